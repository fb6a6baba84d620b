/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The port that says the owner: of TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260). All begin alike:
 *
 *   0               2               4
 *   +---------------+---------------+
 *   | source port   | destination   |     TCP: flags at 13.  SCTP: type of the first chunk at 12.
 *   +---------------+---------------+
 */
#ifndef SU_TRANSPORT_H
#define SU_TRANSPORT_H

#include "packet.h"
#include "ipv4.h"
#include "icmp.h"

#define TCP_BYTES 20
#define TCP_FLAGS_AT 13
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10
#define UDP_BYTES 8
#define SCTP_BYTES 12
#define SCTP_CHUNK_INIT 1

/* Would it open a connection? That goes to the owner where the pool lets it in. */
static __always_inline int judge_opening(struct packet *packet, int opens, __u64 prefix)
{
	if (opens && !(SU_PREFIX_WORD_FLAGS(prefix) & SU_FLAG_OPEN_TO_OWNER))
		return stop(packet, SU_OPENS);
	return 1;
}

static __always_inline int parse_tcp(struct packet *packet, const __u8 *tcp, __u64 prefix)
{
	if (SU_UNLIKELY(tcp + TCP_FLAGS_AT + 1 > packet->data_end))
		return stop(packet, SU_MALFORMED);
	return judge_opening(
		packet, (tcp[TCP_FLAGS_AT] & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN, prefix);
}

static __always_inline int parse_sctp(struct packet *packet, const __u8 *sctp, __u32 bytes,
				      __u64 prefix)
{
	int opens = bytes > SCTP_BYTES && sctp + SCTP_BYTES + 1 <= packet->data_end &&
		    sctp[SCTP_BYTES] == SCTP_CHUNK_INIT;

	return judge_opening(packet, opens, prefix);
}

/*
 * Finds the port, whatever carries it. Later fragments have none. All are as long as UDP's header at least, which is looked
 * for at once.
 */
static __always_inline int parse_transport(struct packet *packet, const struct ipv4 *ip,
					   __u64 prefix)
{
	__u8 *transport = ip->payload;
	__u32 bytes = ip->payload_bytes;
	__u32 least;

	if (SU_UNLIKELY(ipv4_fragment(ip) & IPV4_OFFSET))
		return stop(packet, SU_FRAGMENT);
	switch (ipv4_protocol(ip)) {
	case PROTOCOL_TCP:
		least = TCP_BYTES;
		break;
	case PROTOCOL_SCTP:
		least = SCTP_BYTES;
		break;
	case PROTOCOL_UDP:
	case PROTOCOL_ICMP:
		least = UDP_BYTES;
		break;
	default:
		return stop(packet, SU_PROTOCOL);
	}
	_Static_assert(UDP_BYTES == ICMP_BYTES, "as short");
	if (SU_UNLIKELY(bytes < least || transport + UDP_BYTES > packet->data_end))
		return stop(packet, SU_MALFORMED);
	packet->ports = bpf_ntohl(load32(transport));
	packet->port = packet->ports & 0xffff;
	switch (ipv4_protocol(ip)) {
	case PROTOCOL_TCP:
		return parse_tcp(packet, transport, prefix);
	case PROTOCOL_SCTP:
		return parse_sctp(packet, transport, bytes, prefix);
	case PROTOCOL_UDP:
		return 1;
	default:
		return parse_icmp(packet, ip, transport, bytes, prefix);
	}
}

#endif
