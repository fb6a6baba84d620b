/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * To the owner: by a tunnel, or up to the host after a tunnel.
 *
 *   as it came                 [link][outer and tunnel header, or nothing] [inner IPv4 ...
 *   into a tunnel     [endpoint's l2][outer IPv4 and tunnel header        ][inner IPv4 ...
 *   to the host                                               [link as it came][inner IPv4 ...
 */
#ifndef SU_SEND_H
#define SU_SEND_H

#include "packet.h"
#include "ethernet.h"
#include "ipv4.h"

#define GUE_OUTER_BYTES 32 /* IPv4, UDP, GUE */
#define GUE_ENTROPY_BASE 0xc000
#define GUE_ENTROPY_MASK 0x3fff

/* A source port that tells flows apart for ECMP on the way (RFC 8086 3.2.1: from the dynamic range). */
static __always_inline __u16 entropy(const struct packet *packet, const struct ipv4 *ip)
{
	__u32 hash = bpf_ntohl(ipv4_source_be(ip)) * 0x9e3779b1U;

	hash ^= bpf_ntohl(ipv4_destination_be(ip)) * 0x85ebca6bU;
	hash ^= packet->ports * 0xc2b2ae35U;
	hash += ipv4_protocol(ip);
	hash ^= hash >> 15;
	hash *= 0x2c1b3c6dU;
	hash ^= hash >> 12;
	return GUE_ENTROPY_BASE | (hash & GUE_ENTROPY_MASK);
}

/* Completes the template of an outer IPv4 header: TOS, total length, checksum. */
static __always_inline void write_outer_ipv4(__u8 *outer, const struct ipv4 *ip,
					     const struct su_endpoint *endpoint, __u32 outer_bytes)
{
	__u32 tos = ipv4_tos(ip) << 8; /* the upper byte of the first word, as it lies in memory */
	__u32 total_be = bpf_htons(ip->total_bytes + outer_bytes);
	__u32 sum = endpoint->csum_base + tos + total_be;

	sum = (sum & 0xffff) + (sum >> 16);
	store64(outer, load64(endpoint->outer));
	store64(outer + 8, load64(endpoint->outer + 8));
	store32(outer, IPV4_WITHOUT_OPTIONS | tos | total_be << 16);
	store16(outer + 10, ~(sum + (sum >> 16)));
}

/*
 * GUE behind an untagged Ethernet header, which is what nearly all endpoints ask for: every length is a constant. The
 * inner header is read where it lies after the head has moved.
 */
static __always_inline int send_gue(struct packet *packet, struct ipv4 *ip,
				    const struct su_endpoint *endpoint)
{
	int shrink = ip->at - (ETHERNET_BYTES + GUE_OUTER_BYTES);
	__u8 *data, *outer;

	if (shrink && bpf_xdp_adjust_head(packet->ctx, shrink))
		return stop(packet, SU_HEADROOM);
	packet_bounds(packet);
	data = packet->data;
	outer = data + ETHERNET_BYTES;
	ip->header = outer + GUE_OUTER_BYTES;
	if (SU_UNLIKELY(ip->header + IPV4_BYTES > packet->data_end))
		return stop(packet, SU_HEADROOM);
	store64(data, load64(endpoint->l2));
	store64(data + 6, load64(endpoint->l2 + 6));
	write_outer_ipv4(outer, ip, endpoint, GUE_OUTER_BYTES);
	store64(outer + 16, load64(endpoint->outer + 16));
	store64(outer + 24, load64(endpoint->outer + 24));
	store16(outer + 20, bpf_htons(entropy(packet, ip)));
	store16(outer + 24, bpf_htons(ip->total_bytes + 12));
	ipv4_hop(ip->header);
	return 1;
}

/* Any other tunnel, or a VLAN tag. */
static __always_inline int send_any(struct packet *packet, struct ipv4 *ip,
				    const struct su_endpoint *endpoint)
{
	__u32 l2_bytes = endpoint->l2_bytes & 31;
	__u32 outer_bytes = endpoint->outer_bytes & 63;
	int shrink = ip->at - l2_bytes - outer_bytes;
	__u64 word0 = load64(ip->header);
	__u64 word1 = load64(ip->header + 8);
	__u8 *l2, *outer;

	if (shrink && bpf_xdp_adjust_head(packet->ctx, shrink))
		return stop(packet, SU_HEADROOM);
	packet_bounds(packet);

	/*
	 * Front to back in whole words: what a header leaves of its last word, the next one overwrites. The last is the
	 * inner header's first 16 bytes.
	 */
	l2 = packet->data;
	outer = packet->data + l2_bytes;
	ip->header = packet->data + l2_bytes + outer_bytes;
	if (l2 + 18 > packet->data_end || outer + 32 > packet->data_end ||
	    ip->header + IPV4_BYTES > packet->data_end)
		return stop(packet, SU_HEADROOM);
	store64(l2, load64(endpoint->l2));
	store64(l2 + 8, load64(endpoint->l2 + 8));
	store16(l2 + 16, load16(endpoint->l2 + 16));
	store64(outer + 16, load64(endpoint->outer + 16));
	store64(outer + 24, load64(endpoint->outer + 24));
	store64(ip->header, word0);
	store64(ip->header + 8, word1);
	write_outer_ipv4(outer, ip, endpoint, outer_bytes);
	if (endpoint->encap == SU_ENCAP_GUE) {
		store16(outer + 20, bpf_htons(entropy(packet, ip)));
		store16(outer + 24, bpf_htons(ip->total_bytes + 12));
	}
	ipv4_hop(ip->header);
	return 1;
}

/* Writes the endpoint's headers in front of the inner header, which loses a hop, and sends. */
static __always_inline int send_to(struct packet *packet, struct ipv4 *ip,
					      const struct su_endpoint *endpoint)
{
	int goes_on;

	if (SU_LIKELY(load16(&endpoint->l2_bytes) == (SU_ENCAP_GUE << 8 | ETHERNET_BYTES)))
		goes_on = send_gue(packet, ip, endpoint);
	else
		goes_on = send_any(packet, ip, endpoint);
	if (!goes_on)
		return 0;
	packet->action = endpoint->ifindex == packet->ctx->ingress_ifindex ?
				 XDP_TX :
				 bpf_redirect(endpoint->ifindex, 0);
	return 1;
}

/*
 * Moves the Ethernet header and VLAN tags up to the inner header. The type says whether there are
 * tags.
 */
static __always_inline int leave_tunnel(struct packet *packet, const struct ipv4 *ip)
{
	__u8 *from = packet->data;
	__u64 drop_bytes = (ip->at - ETHERNET_BYTES) & SU_OFFSET_MASK;
	__u64 low, high;
	__u32 tag, second_tag;
	__u8 *to;
	int tags = 0;

	if (SU_UNLIKELY(from + ETHERNET_BYTES + 2 * VLAN_TAG_BYTES > packet->data_end))
		return stop(packet, SU_MALFORMED);
	low = load64(from);
	high = load64(from + 6);
	tag = load32(from + ETHERNET_BYTES);
	second_tag = load32(from + ETHERNET_BYTES + VLAN_TAG_BYTES);
	if (SU_UNLIKELY((high >> 48) != ETHERNET_TYPE_IPV4)) {
		tags = tag >> 16 == ETHERNET_TYPE_IPV4 ? 1 : 2;
		drop_bytes = (drop_bytes - tags * VLAN_TAG_BYTES) & SU_OFFSET_MASK;
	}
	to = from + drop_bytes;
	if (SU_UNLIKELY(to + ETHERNET_BYTES + 2 * VLAN_TAG_BYTES > packet->data_end))
		return stop(packet, SU_MALFORMED);
	if (SU_UNLIKELY(tags)) {
		store32(to + ETHERNET_BYTES, tag);
		if (tags == 2)
			store32(to + ETHERNET_BYTES + VLAN_TAG_BYTES, second_tag);
	}
	store64(to, low);
	store64(to + 6, high);
	return SU_UNLIKELY(bpf_xdp_adjust_head(packet->ctx, drop_bytes)) ? stop(packet, SU_HEADROOM) :
									   1;
}

#endif
