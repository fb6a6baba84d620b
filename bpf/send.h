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

#define GUE_ENTROPY_BASE 0xc000
#define GUE_ENTROPY_MASK 0x3fff

/* A source port that tells flows apart for ECMP on the way (RFC 8086 3.2.1: from the dynamic range). */
static __always_inline __u16 entropy(const struct packet *packet, const struct ipv4 *ip)
{
	__u32 hash = ip->source * 0x9e3779b1U;

	hash ^= ip->destination * 0x85ebca6bU;
	hash ^= packet->ports * 0xc2b2ae35U;
	hash += ipv4_protocol(ip);
	hash ^= hash >> 15;
	hash *= 0x2c1b3c6dU;
	hash ^= hash >> 12;
	return GUE_ENTROPY_BASE | (hash & GUE_ENTROPY_MASK);
}

/* Writes the endpoint's headers in front of the inner header, which loses a hop, and sends. */
static __always_inline enum su_reason send_to(struct packet *packet, const struct ipv4 *ip,
					      const struct su_endpoint *endpoint)
{
	__u32 l2_bytes = endpoint->l2_bytes & 31;
	__u32 outer_bytes = endpoint->outer_bytes & 63;
	int grow = l2_bytes + outer_bytes - ip->at;
	__u32 total_bytes = ip->total_bytes + outer_bytes;
	__u64 outer0, outer1, outer2, outer3;
	__u8 *l2, *outer, *inner;
	__u32 sum;

	/* Composed before the head moves, while everything is at hand. */
	outer0 = (ip->word0 & 0xff00) | (__u64)bpf_htons(total_bytes) << 16;
	sum = endpoint->csum_base + (__u32)(outer0 & 0xff00) + (__u32)(outer0 >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	outer0 |= load64(endpoint->outer);
	outer1 = load64(endpoint->outer + 8) | (__u64)(__u16)~sum << 16;
	outer2 = load64(endpoint->outer + 16);
	outer3 = load64(endpoint->outer + 24);
	if (endpoint->encap == SU_ENCAP_GUE) {
		outer2 |= (__u64)bpf_htons(entropy(packet, ip)) << 32;
		outer3 |= bpf_htons(ip->total_bytes + 12);
	}

	if (grow && bpf_xdp_adjust_head(packet->ctx, -grow))
		return stop(SU_HEADROOM);
	packet_bounds(packet);

	/*
	 * Front to back in whole words: what a header leaves of its last word, the next one overwrites. The last is the
	 * inner header's first 16 bytes.
	 */
	l2 = packet->data;
	outer = packet->data + l2_bytes;
	inner = packet->data + l2_bytes + outer_bytes;
	if (l2 + 24 > packet->data_end || outer + 32 > packet->data_end ||
	    inner + 16 > packet->data_end)
		return stop(SU_HEADROOM);
	store64(l2, load64(endpoint->l2));
	store64(l2 + 8, load64(endpoint->l2 + 8));
	store16(l2 + 16, load16(endpoint->l2 + 16));
	store64(outer, outer0);
	store64(outer + 8, outer1);
	store64(outer + 16, outer2);
	store64(outer + 24, outer3);
	store64(inner, ip->word0);
	store64(inner + 8, word1_hop(ip->word1));

	packet->action = endpoint->ifindex == packet->ifindex ? XDP_TX :
								bpf_redirect(endpoint->ifindex, 0);
	return SU_GO_ON;
}

/* Moves the Ethernet header and VLAN tags up to the inner header. */
static __always_inline enum su_reason leave_tunnel(struct packet *packet, const struct ipv4 *ip)
{
	__u32 drop_bytes = (ip->at - packet->link_bytes) & SU_OFFSET_MASK;
	__u8 *from = packet->data;
	__u8 *to = from + drop_bytes;
	__u64 low, high;
	__u32 tag, second_tag;

	if (from + ETHERNET_BYTES + 2 * VLAN_TAG_BYTES > packet->data_end ||
	    to + ETHERNET_BYTES + 2 * VLAN_TAG_BYTES > packet->data_end)
		return stop(SU_MALFORMED);
	low = load64(from);
	high = load64(from + 6);
	if (SU_UNLIKELY(packet->link_bytes > ETHERNET_BYTES)) {
		tag = load32(from + ETHERNET_BYTES);
		second_tag = load32(from + ETHERNET_BYTES + VLAN_TAG_BYTES);
		store32(to + ETHERNET_BYTES, tag);
		if (packet->link_bytes > ETHERNET_BYTES + VLAN_TAG_BYTES)
			store32(to + ETHERNET_BYTES + VLAN_TAG_BYTES, second_tag);
	}
	store64(to, low);
	store64(to + 6, high);
	return bpf_xdp_adjust_head(packet->ctx, drop_bytes) ? SU_HEADROOM : SU_GO_ON;
}

#endif
