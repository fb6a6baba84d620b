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
static __always_inline int judge_opening(struct packet *packet, __u64 prefix)
{
	return SU_PREFIX_WORD_FLAGS(prefix) & SU_FLAG_OPEN_TO_OWNER ? 1 : stop(packet, SU_OPENS);
}

static __always_inline int parse_tcp(struct packet *packet, const struct ipv4 *ip,
						__u64 prefix)
{
	__u8 *tcp = ipv4_payload(packet, ip, TCP_BYTES);

	if (SU_UNLIKELY(!tcp))
		return stop(packet, SU_MALFORMED);
	take_ports(packet, tcp);
	if (SU_UNLIKELY((tcp[13] & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN))
		return judge_opening(packet, prefix);
	return 1;
}

static __always_inline int parse_udp(struct packet *packet, const struct ipv4 *ip)
{
	__u8 *udp = ipv4_payload(packet, ip, UDP_BYTES);

	if (SU_UNLIKELY(!udp))
		return stop(packet, SU_MALFORMED);
	take_ports(packet, udp);
	return 1;
}

static __always_inline int parse_sctp(struct packet *packet, const struct ipv4 *ip,
						 __u64 prefix)
{
	__u8 *sctp = ipv4_payload(packet, ip, SCTP_BYTES);

	if (SU_UNLIKELY(!sctp))
		return stop(packet, SU_MALFORMED);
	take_ports(packet, sctp);
	sctp = ipv4_payload(packet, ip, SCTP_BYTES + 1);
	if (sctp && sctp[SCTP_BYTES] == SCTP_CHUNK_INIT)
		return judge_opening(packet, prefix);
	return 1;
}

/* Finds the port, whatever carries it. Later fragments have none. The common protocols come first. */
static __always_inline int parse_transport(struct packet *packet, const struct ipv4 *ip,
						      __u64 prefix)
{
	__u8 protocol = ipv4_protocol(ip);

	if (SU_UNLIKELY(ipv4_fragment(ip) & IPV4_OFFSET))
		return stop(packet, SU_FRAGMENT);
	if (SU_LIKELY(protocol == PROTOCOL_TCP))
		return parse_tcp(packet, ip, prefix);
	if (protocol == PROTOCOL_UDP)
		return parse_udp(packet, ip);
	if (protocol == PROTOCOL_ICMP)
		return parse_icmp(packet, ip, prefix);
	if (protocol == PROTOCOL_SCTP)
		return parse_sctp(packet, ip, prefix);
	return stop(packet, SU_PROTOCOL);
}

#endif
