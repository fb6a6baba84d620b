/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Out of a tunnel, between IPv4 headers. None carries options or extensions here; what has some is dropped.
 *
 *   IPIP (RFC 2003)   nothing
 *
 *   GRE (RFC 2784, key: RFC 2890)
 *     0               2               4                               8
 *     +---------------+---------------+-------------------------------+
 *     | flags, version| type 0x0800   | key, if flags say 0x2000      |
 *     +---------------+---------------+-------------------------------+
 *
 *   GUE (draft-ietf-intarea-gue, variant 0, behind UDP port 6080)
 *     0               2               4               6               8                               12
 *     +---------------+---------------+---------------+---------------+-------------------------------+
 *     | entropy       | 6080          | UDP length    | checksum      | 00 04 00 00: IPv4 follows     |
 *     +---------------+---------------+---------------+---------------+-------------------------------+
 */
#ifndef SU_TUNNEL_H
#define SU_TUNNEL_H

#include "packet.h"
#include "tables.h"
#include "ipv4.h"

#define TUNNEL_UDP_BYTES 8
#define GUE_BYTES 4
#define GUE_IPV4 bpf_htonl(0x00040000)
#define GRE_BYTES 4
#define GRE_KEY_BYTES 4
#define GRE_IPV4 bpf_htonl(0x00000800)
#define GRE_IPV4_KEY bpf_htonl(0x20000800)

#define ACCEPTS(encapsulation) (1 << (encapsulation))

/* What a local tunnel address accepts. */
struct tunnel_end {
	__u32 accept;
	__be32 gre_key_be;
};

/*
 * Is this address one that we end tunnels at? What it takes is loaded behind each comparison: loaded behind all of them, it
 * would need the entry's address, and the verifier would follow each of the four. An unused entry accepts nothing.
 */
static __always_inline int find_local(__be32 destination_be, struct tunnel_end *end)
{
	const struct su_local *locals = TABLE(settings.locals);

#define LOCAL_FIELD(i, field) __builtin_offsetof(struct su_settings, locals[i].field)
#define TRY_LOCAL(i)                                                                               \
	if (SU_UNLIKELY(READ_ONCE(locals[i].address_be) == destination_be)) {                      \
		asm volatile("%0 = *(u32 *)(%2 + %3); %1 = *(u32 *)(%2 + %4)"                      \
			     : "=&r"(end->accept), "=r"(end->gre_key_be)                           \
			     : "r"(locals), "i"(LOCAL_FIELD(i, accept)),                           \
			       "i"(LOCAL_FIELD(i, gre_key_be)));                                   \
		return 1;                                                                          \
	}
	TRY_LOCAL(0)
	TRY_LOCAL(1)
	TRY_LOCAL(2)
	TRY_LOCAL(3)
	_Static_assert(SU_LOCALS == 4, "locals");
	return 0;
}

/* The kinds of tunnel that come in this protocol, as bits like those of what an address accepts. */
static __always_inline __u32 tunnels_of(__u8 protocol)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return ACCEPTS(SU_ENCAP_GUE);
	case PROTOCOL_GRE:
		return ACCEPTS(SU_ENCAP_GRE) | ACCEPTS(SU_ENCAP_GRE_KEY);
	case PROTOCOL_IPIP:
		return ACCEPTS(SU_ENCAP_IPIP);
	default:
		return 0;
	}
}

/* The rank of who sent the tunnel packet, by its address; 0 if it is no peer. */
static __always_inline __u32 peer_rank(const __u8 *source)
{
	__u64 prefix = prefix_of(source);

	if (SU_PREFIX_WORD_KIND(prefix) != SU_PREFIX_PEERS)
		return 0;
	return row_slot(SU_PREFIX_WORD_ROW(prefix) + source[3]);
}

/*
 * What stands between the headers: how long it is, and the reason to drop it, if it has one (else 0). That reason waits until
 * interface and peer have been judged.
 */
struct tunnel_header {
	__u64 bytes;
	__u64 reason;
};

/* UDP may also be something else than GUE: the port says so. */
static __always_inline int parse_gue(struct packet *packet, const struct ipv4 *outer,
				     struct tunnel_header *header)
{
	__u16 fragment = ipv4_fragment(outer);
	__u8 *udp;

	if (SU_UNLIKELY(fragment & IPV4_OFFSET))
		return stop(packet, SU_NOT_OURS);
	udp = ipv4_payload(packet, outer, TUNNEL_UDP_BYTES);
	if (SU_UNLIKELY(!udp))
		return stop(packet, SU_MALFORMED);
	if (SU_UNLIKELY(load16(udp + 2) != bpf_htons(SU_GUE_PORT)))
		return stop(packet, SU_NOT_OURS);
	if (SU_UNLIKELY(fragment & IPV4_MORE_FRAGMENTS))
		return stop(packet, SU_FRAGMENT);
	if (SU_UNLIKELY(bpf_ntohs(load16(udp + 4)) != outer->payload_bytes))
		return stop(packet, SU_MALFORMED);
	header->bytes = TUNNEL_UDP_BYTES + GUE_BYTES;
	udp = ipv4_payload(packet, outer, TUNNEL_UDP_BYTES + GUE_BYTES);
	if (!udp)
		header->reason = SU_MALFORMED;
	else if (load32(udp + TUNNEL_UDP_BYTES) != GUE_IPV4)
		header->reason = SU_TUNNEL_HEADER;
	return 1;
}

static __always_inline void parse_gre(struct packet *packet, const struct ipv4 *outer,
				      const struct tunnel_end *end, struct tunnel_header *header)
{
	__u8 *gre = ipv4_payload(packet, outer, GRE_BYTES);

	header->bytes = GRE_BYTES;
	header->reason = SU_MALFORMED;
	if (!gre)
		return;
	header->reason = end->accept & ACCEPTS(SU_ENCAP_GRE) ? 0 : SU_TUNNEL_KEY;
	if (load32(gre) == GRE_IPV4)
		return;
	header->bytes = GRE_BYTES + GRE_KEY_BYTES;
	header->reason = SU_TUNNEL_HEADER;
	if (load16(gre) != (__u16)GRE_IPV4_KEY)
		return;
	gre = ipv4_payload(packet, outer, GRE_BYTES + GRE_KEY_BYTES);
	if (!gre)
		header->reason = SU_MALFORMED;
	else if (load32(gre) == GRE_IPV4_KEY)
		header->reason = end->accept & ACCEPTS(SU_ENCAP_GRE_KEY) &&
						 load32(gre + GRE_BYTES) == end->gre_key_be ?
					 0 :
					 SU_TUNNEL_KEY;
}

/*
 * Steps inside: checks kind, wholeness, interface, peer and header in turn, then makes ip the inner header. prefix is
 * then the inner destination's.
 */
static __always_inline int enter_tunnel(struct packet *packet, struct ipv4 *ip,
					const struct tunnel_end *end, __u64 *prefix)
{
	struct tunnel_header header = {};
	struct ipv4 outer = *ip;
	__u32 rank, left_bytes;

	if (SU_UNLIKELY(!(end->accept & tunnels_of(ipv4_protocol(&outer)))))
		return stop(packet, SU_NOT_OURS);
	if (SU_UNLIKELY(!ipv4_is_sane(&outer, packet->frame_bytes - outer.at)))
		return stop(packet, SU_MALFORMED);
	if (ipv4_protocol(&outer) == PROTOCOL_UDP) {
		if (!parse_gue(packet, &outer, &header))
			return 0;
	} else {
		if (SU_UNLIKELY(ipv4_fragment(&outer) & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET)))
			return stop(packet, SU_FRAGMENT);
		if (ipv4_protocol(&outer) == PROTOCOL_GRE)
			parse_gre(packet, &outer, end, &header);
	}
	header.bytes = any_offset(header.bytes + packet->zero);
	header.reason = any_reason(packet, header.reason);
	if (SU_UNLIKELY(!(packet->roles & SU_ROLE_BACKBONE)))
		return stop(packet, SU_ROLE);
	rank = peer_rank(outer.header + 12);
	if (SU_UNLIKELY(rank - SU_RANK_DATACENTER > SU_RANK_BACKBONE - SU_RANK_DATACENTER))
		return stop(packet, SU_UNKNOWN_PEER);
	if (SU_UNLIKELY(header.reason))
		return stop(packet, header.reason);

	packet->in_rank = rank | packet->zero;
	packet->outer_ecn = ipv4_tos(&outer) & ECN_MASK;
	header.bytes += ipv4_header_bytes(&outer);
	left_bytes = ipv4_total_bytes(&outer) - header.bytes;
	if (SU_UNLIKELY(left_bytes < IPV4_BYTES ||
			!find_ipv4(packet, ip, any_offset(outer.at + header.bytes))))
		return stop(packet, SU_MALFORMED);
	*prefix = prefix_of(ip->header + 16);
	if (SU_UNLIKELY(SU_PREFIX_WORD_KIND(*prefix) != SU_PREFIX_EGRESS))
		return stop(packet, SU_INNER_NOT_EGRESS);
	return ipv4_is_sane(ip, left_bytes) ? 1 : stop(packet, SU_MALFORMED);
}

#endif
