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
 * Is this address one that we end tunnels at? The entry's own address is taken only where it is found: the compiler would
 * carry a pointer along.
 */
static __always_inline int find_local(__be32 destination_be, struct tunnel_end *end)
{
	const struct su_local *locals = TABLE(settings.locals), *local;

#define TRY_LOCAL(i)                                                                               \
	if (SU_UNLIKELY(READ_ONCE(locals[i].address_be) == destination_be)) {                      \
		asm volatile("%0 = su_tables + %1 ll"                                              \
			     : "=r"(local)                                                         \
			     : "i"(__builtin_offsetof(struct su_tables, settings.locals[i])));     \
		goto found;                                                                        \
	}
	TRY_LOCAL(0)
	TRY_LOCAL(1)
	TRY_LOCAL(2)
	TRY_LOCAL(3)
	_Static_assert(SU_LOCALS == 4, "locals");
	return 0;
found:
	end->accept = local->accept;
	end->gre_key_be = local->gre_key_be;
	return destination_be != 0;
}

/* Does this address take that kind of tunnel? If not, the packet is the host's. */
static __always_inline int accepts_protocol(const struct tunnel_end *end, __u8 protocol)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return end->accept & ACCEPTS(SU_ENCAP_GUE);
	case PROTOCOL_GRE:
		return end->accept & (ACCEPTS(SU_ENCAP_GRE) | ACCEPTS(SU_ENCAP_GRE_KEY));
	case PROTOCOL_IPIP:
		return end->accept & ACCEPTS(SU_ENCAP_IPIP);
	default:
		return 0;
	}
}

/* Whole packets only. For UDP also: is it GUE at all? The port says so. */
static __always_inline int judge_outer(struct packet *packet, const struct ipv4 *outer)
{
	__u16 fragment = ipv4_fragment(outer);
	__u8 *udp;

	if (ipv4_protocol(outer) != PROTOCOL_UDP)
		return fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET) ? stop(packet, SU_FRAGMENT) : 1;
	if (SU_UNLIKELY(fragment & IPV4_OFFSET))
		return stop(packet, SU_NOT_OURS);
	udp = ipv4_payload(packet, outer, TUNNEL_UDP_BYTES);
	if (SU_UNLIKELY(!udp))
		return stop(packet, SU_MALFORMED);
	if (SU_UNLIKELY(load16(udp + 2) != bpf_htons(SU_GUE_PORT)))
		return stop(packet, SU_NOT_OURS);
	if (SU_UNLIKELY(fragment & IPV4_MORE_FRAGMENTS))
		return stop(packet, SU_FRAGMENT);
	if (SU_UNLIKELY(bpf_ntohs(load16(udp + 4)) != outer->total_bytes - outer->header_bytes))
		return stop(packet, SU_MALFORMED);
	return 1;
}

/* The rank of who sent the tunnel packet; 0 if it is no peer. */
static __always_inline __u32 peer_rank(const struct ipv4 *outer)
{
	const __u8 *source = outer->header + 12;
	__u64 prefix = prefix_of(source);

	if (SU_PREFIX_WORD_KIND(prefix) != SU_PREFIX_PEERS)
		return 0;
	return row_slot(SU_PREFIX_WORD_ROW(prefix) + source[3]);
}

/* Reads the tunnel header: *bytes says how long it is. */
static __always_inline int parse_tunnel_header(struct packet *packet,
							  const struct ipv4 *outer,
							  const struct tunnel_end *end,
							  __u32 *bytes)
{
	__u8 *header;

	switch (ipv4_protocol(outer)) {
	case PROTOCOL_UDP:
		*bytes = TUNNEL_UDP_BYTES + GUE_BYTES;
		header = ipv4_payload(packet, outer, TUNNEL_UDP_BYTES + GUE_BYTES);
		if (SU_UNLIKELY(!header))
			return stop(packet, SU_MALFORMED);
		return load32(header + TUNNEL_UDP_BYTES) == GUE_IPV4 ? 1 : stop(packet, SU_TUNNEL_HEADER);
	case PROTOCOL_GRE:
		*bytes = GRE_BYTES;
		header = ipv4_payload(packet, outer, GRE_BYTES);
		if (SU_UNLIKELY(!header))
			return stop(packet, SU_MALFORMED);
		if (load32(header) == GRE_IPV4)
			return end->accept & ACCEPTS(SU_ENCAP_GRE) ? 1 : stop(packet, SU_TUNNEL_KEY);
		if (SU_UNLIKELY(load16(header) != (__u16)GRE_IPV4_KEY))
			return stop(packet, SU_TUNNEL_HEADER);
		*bytes = GRE_BYTES + GRE_KEY_BYTES;
		header = ipv4_payload(packet, outer, GRE_BYTES + GRE_KEY_BYTES);
		if (SU_UNLIKELY(!header))
			return stop(packet, SU_MALFORMED);
		if (SU_UNLIKELY(load32(header) != GRE_IPV4_KEY))
			return stop(packet, SU_TUNNEL_HEADER);
		if (SU_UNLIKELY(!(end->accept & ACCEPTS(SU_ENCAP_GRE_KEY)) ||
		    load32(header + GRE_BYTES) != end->gre_key_be))
			return stop(packet, SU_TUNNEL_KEY);
		return 1;
	default:
		*bytes = 0;
		return 1;
	}
}

/*
 * Steps inside: checks kind, wholeness, interface, peer and header in turn, then makes ip the inner header. prefix is
 * then the inner destination's.
 */
static __always_inline int enter_tunnel(struct packet *packet, struct ipv4 *ip,
						   const struct tunnel_end *end, __u64 *prefix)
{
	struct ipv4 outer = *ip;
	__u32 rank, tunnel_bytes, left_bytes;

	if (SU_UNLIKELY(!accepts_protocol(end, ipv4_protocol(&outer))))
		return stop(packet, SU_NOT_OURS);
	if (SU_UNLIKELY(!ipv4_is_sane_in_frame(packet, &outer)))
		return stop(packet, SU_MALFORMED);
	if (!judge_outer(packet, &outer))
		return 0;
	if (SU_UNLIKELY(!(packet->roles & SU_ROLE_BACKBONE)))
		return stop(packet, SU_ROLE);
	rank = peer_rank(&outer);
	if (SU_UNLIKELY(rank - SU_RANK_DATACENTER > SU_RANK_BACKBONE - SU_RANK_DATACENTER))
		return stop(packet, SU_UNKNOWN_PEER);
	packet->in_rank = rank | packet->zero;
	if (!parse_tunnel_header(packet, &outer, end, &tunnel_bytes))
		return 0;

	packet->outer_ecn = ipv4_tos(&outer) & ECN_MASK;
	tunnel_bytes += outer.header_bytes;
	left_bytes = outer.total_bytes - tunnel_bytes;
	if (SU_UNLIKELY(left_bytes < IPV4_BYTES ||
	    !find_ipv4(packet, ip, any_offset(outer.at + tunnel_bytes))))
		return stop(packet, SU_MALFORMED);
	*prefix = prefix_of(ip->header + 16);
	if (SU_PREFIX_WORD_KIND(*prefix) != SU_PREFIX_EGRESS)
		return stop(packet, SU_INNER_NOT_EGRESS);
	return ipv4_is_sane(packet, ip, bpf_ntohs(ipv4_total_be(ip)), left_bytes) ?
		       1 :
		       stop(packet, SU_MALFORMED);
}

#endif
