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
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10
#define UDP_BYTES 8
#define SCTP_BYTES 12
#define SCTP_CHUNK_INIT 1

static __always_inline void take_ports(struct packet *packet, const __u8 *header)
{
	packet->ports = bpf_ntohl(load32(header));
	packet->port = packet->ports & 0xffff;
}

/* What would open a connection: to the owner, or dropped. */
static __always_inline enum su_reason judge_opening(__u64 prefix)
{
	return SU_PREFIX_WORD_FLAGS(prefix) & SU_FLAG_OPEN_TO_OWNER ? SU_GO_ON : SU_OPENS;
}

static __always_inline enum su_reason parse_tcp(struct packet *packet, const struct ipv4 *ip,
						__u64 prefix)
{
	__u8 *tcp = ipv4_payload(packet, ip, TCP_BYTES);

	if (!tcp)
		return stop(SU_MALFORMED);
	take_ports(packet, tcp);
	if (SU_UNLIKELY((tcp[13] & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN))
		return judge_opening(prefix);
	return SU_GO_ON;
}

static __always_inline enum su_reason parse_udp(struct packet *packet, const struct ipv4 *ip)
{
	__u8 *udp = ipv4_payload(packet, ip, UDP_BYTES);

	if (!udp)
		return stop(SU_MALFORMED);
	take_ports(packet, udp);
	return SU_GO_ON;
}

static __always_inline enum su_reason parse_sctp(struct packet *packet, const struct ipv4 *ip,
						 __u64 prefix)
{
	__u8 *sctp = ipv4_payload(packet, ip, SCTP_BYTES);

	if (!sctp)
		return stop(SU_MALFORMED);
	take_ports(packet, sctp);
	sctp = ipv4_payload(packet, ip, SCTP_BYTES + 1);
	if (sctp && sctp[SCTP_BYTES] == SCTP_CHUNK_INIT)
		return judge_opening(prefix);
	return SU_GO_ON;
}

/* Finds the port, whatever carries it. Later fragments have none. */
static __always_inline enum su_reason parse_transport(struct packet *packet, struct ipv4 *ip,
						      __u64 prefix)
{
	if (ipv4_fragment(ip) & IPV4_OFFSET)
		return stop(SU_FRAGMENT);
	switch (ipv4_protocol(ip)) {
	case PROTOCOL_TCP:
		return parse_tcp(packet, ip, prefix);
	case PROTOCOL_UDP:
		return parse_udp(packet, ip);
	case PROTOCOL_ICMP:
		return parse_icmp(packet, ip, prefix);
	case PROTOCOL_SCTP:
		return parse_sctp(packet, ip, prefix);
	default:
		return stop(SU_PROTOCOL);
	}
}

#endif
