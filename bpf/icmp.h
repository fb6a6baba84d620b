/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ICMP (RFC 792) on shared addresses: the identifier of an echo is a port (RFC 6346), and an error belongs to whoever
 * sent the packet that it quotes (RFC 5508).
 *
 *   0       1       2               4               6
 *   +-------+-------+---------------+---------------+----------+
 *   | type  | code  | checksum      | identifier    | sequence |   echo
 *   +-------+-------+---------------+---------------+----------+
 *   | type  | code  | checksum      | unused, MTU              |   error, then the packet that
 *   +-------+-------+---------------+--------------------------+   caused it: its IPv4 header and
 *   | IPv4 header, options          | 8 bytes or more          |   at least 8 bytes behind it
 *   +-------------------------------+--------------------------+
 */
#ifndef SU_ICMP_H
#define SU_ICMP_H

#include "packet.h"
#include "tables.h"
#include "ipv4.h"

#define ICMP_BYTES 8
#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_ECHO_REQUEST 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_QUOTED_BYTES 8

#define ECHO_ANSWER_TTL 64

/* The owner's port in a quoted packet, which left from here: its source side. */
static __always_inline int parse_quote(struct packet *packet, const struct ipv4 *ip,
						  __u8 *icmp)
{
	__u32 left_bytes = ip->total_bytes - ip->header_bytes - ICMP_BYTES;
	struct ipv4 quote = { .header = icmp + ICMP_BYTES };
	__u32 first;
	__u8 *behind;

	if (left_bytes < IPV4_BYTES || quote.header + IPV4_BYTES > packet->data_end)
		return stop(packet, SU_ICMP_QUOTE);
	first = quote.header[0];
	if (first < IPV4_WITHOUT_OPTIONS || first > IPV4_LONGEST ||
	    ipv4_source_be(&quote) != ipv4_destination_be(ip) ||
	    ipv4_fragment(&quote) & IPV4_OFFSET)
		return stop(packet, SU_ICMP_QUOTE);
	/* Its total length is what it was when it left; what counts is how much of it is quoted. */
	quote.header_bytes = (first & 0xf) << 2;
	quote.total_bytes = left_bytes;
	behind = ipv4_payload(packet, &quote, ICMP_QUOTED_BYTES);
	if (!behind)
		return stop(packet, SU_ICMP_QUOTE);
	switch (ipv4_protocol(&quote)) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		packet->port = bpf_ntohs(load16(behind));
		break;
	case PROTOCOL_ICMP:
		if (behind[0] != ICMP_ECHO_REQUEST && behind[0] != ICMP_ECHO_REPLY)
			return stop(packet, SU_ICMP_QUOTE);
		packet->port = bpf_ntohs(load16(behind + 4));
		break;
	default:
		return stop(packet, SU_ICMP_QUOTE);
	}
	packet->ports = packet->port;
	return 1;
}

/*
 * Turns the request into its reply and sends it back. Both checksums change only by the fields that are not merely
 * swapped.
 */
static __always_inline int answer_echo(struct packet *packet, const struct ipv4 *ip,
						  __u8 *icmp)
{
	__u8 *ethernet = packet->data;
	__u8 *header = ip->header;
	__be32 source_be = ipv4_source_be(ip);
	__u16 from, to;
	__u64 low;

	if (ipv4_fragment(ip) & IPV4_MORE_FRAGMENTS)
		return stop(packet, SU_FRAGMENT);
	if (header[0] != IPV4_WITHOUT_OPTIONS)
		return stop(packet, SU_OPENS);

	/* destination 0-5, source 6-11 */
	low = load64(ethernet);
	store32(ethernet, load32(ethernet + 6));
	store16(ethernet + 4, load16(ethernet + 10));
	store32(ethernet + 6, low);
	store16(ethernet + 10, low >> 32);

	from = load16(header + 8);
	to = (from & 0xff00) | ECHO_ANSWER_TTL;
	store16(header + 8, to);
	store16(header + 10, checksum_replace(load16(header + 10), from, to));
	store32(header + 12, ipv4_destination_be(ip));
	store32(header + 16, source_be);

	from = load16(icmp);
	to = (from & 0xff00) | ICMP_ECHO_REPLY;
	store16(icmp, to);
	store16(icmp + 2, checksum_replace(load16(icmp + 2), from, to));
	packet->action = XDP_TX;
	return stop(packet, SU_ECHO_ANSWERED);
}

static __always_inline int parse_icmp(struct packet *packet, const struct ipv4 *ip,
						 __u64 prefix)
{
	__u8 *icmp = ipv4_payload(packet, ip, ICMP_BYTES);
	__u8 flags = SU_PREFIX_WORD_FLAGS(prefix);

	if (!icmp)
		return stop(packet, SU_MALFORMED);
	switch (icmp[0]) {
	case ICMP_ECHO_REQUEST:
		if (flags & SU_FLAG_ECHO_ANSWER && packet->in_rank == SU_RANK_INTERNET)
			return answer_echo(packet, ip, icmp);
		if (!(flags & SU_FLAG_ECHO_TO_OWNER))
			return stop(packet, SU_OPENS);
		break;
	case ICMP_ECHO_REPLY:
		break;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER_PROBLEM:
		return parse_quote(packet, ip, icmp);
	default:
		return stop(packet, SU_ICMP_TYPE);
	}
	packet->port = bpf_ntohs(load16(icmp + 4));
	packet->ports = packet->port;
	return 1;
}

#endif
