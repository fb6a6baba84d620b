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
#include "owners.h"
#include "ipv4.h"

#define ICMP_BYTES 8
#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_ECHO_REQUEST 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_QUOTED_BYTES 8

#define ECHO_ANSWER_TTL 64

/*
 * The owner's port in a quoted packet, which left from here: its source side. Its total length is what it was when it left;
 * what counts is how much of it is quoted.
 */
static __always_inline int parse_quote(struct packet *packet, const struct ipv4 *ip, __u8 *icmp,
				       __u32 bytes)
{
	struct ipv4 quote = { .header = icmp + ICMP_BYTES };
	__u32 header_bytes;
	__u8 *behind;

	if (SU_UNLIKELY(bytes < ICMP_BYTES + IPV4_BYTES ||
			quote.header + IPV4_BYTES > packet->data_end))
		return stop(packet, SU_ICMP_QUOTE);
	header_bytes = ipv4_header_bytes(&quote);
	behind = quote.header + header_bytes;
	if (SU_UNLIKELY(!ipv4_is_version_4(&quote) ||
			ipv4_source_be(&quote) != ipv4_destination_be(ip) ||
			ipv4_fragment(&quote) & IPV4_OFFSET ||
			bytes < ICMP_BYTES + header_bytes + ICMP_QUOTED_BYTES ||
			behind + ICMP_QUOTED_BYTES > packet->data_end))
		return stop(packet, SU_ICMP_QUOTE);
	packet->port = bpf_ntohs(load16(behind));
	switch (ipv4_protocol(&quote)) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		break;
	case PROTOCOL_ICMP:
		if (SU_UNLIKELY(behind[0] != ICMP_ECHO_REQUEST && behind[0] != ICMP_ECHO_REPLY))
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
static __always_inline int answer_echo(struct packet *packet, const struct ipv4 *ip, __u8 *icmp)
{
	__u8 *ethernet = packet->data;
	__u8 *header = ip->header;
	__be32 source_be = ipv4_source_be(ip);
	__u16 from, to;
	__u64 low;

	if (SU_UNLIKELY(ipv4_fragment(ip) & IPV4_MORE_FRAGMENTS))
		return stop(packet, SU_FRAGMENT);
	if (SU_UNLIKELY(header[0] != IPV4_WITHOUT_OPTIONS))
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

static __always_inline int parse_icmp(struct packet *packet, const struct ipv4 *ip, __u8 *icmp,
				      __u32 bytes, __u64 prefix)
{
	__u8 flags = SU_PREFIX_WORD_FLAGS(prefix);

	switch (icmp[0]) {
	case ICMP_ECHO_REQUEST:
		if (flags & SU_FLAG_ECHO_ANSWER && packet->in_rank == SU_RANK_INTERNET)
			return answer_echo(packet, ip, icmp);
		if (SU_UNLIKELY(!(flags & SU_FLAG_ECHO_TO_OWNER)))
			return stop(packet, SU_OPENS);
		break;
	case ICMP_ECHO_REPLY:
		break;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER_PROBLEM:
		return parse_quote(packet, ip, icmp, bytes);
	default:
		return stop(packet, SU_ICMP_TYPE);
	}
	packet->port = bpf_ntohs(load16(icmp + 4));
	packet->ports = packet->port;
	return 1;
}

#endif
