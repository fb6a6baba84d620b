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
#define GUE_ENTROPY_BASE bpf_htons(0xc000)

/*
 * A source port that tells flows apart for ECMP on the way (RFC 8086 3.2.1: from the dynamic range). Addresses, ports and the
 * result as they lie in memory, the ports across the addresses' middle, times 2^64 divided by the golden ratio: the upper
 * bits depend on all others. The barrier keeps the constants short.
 */
static __always_inline __u64 entropy(const __u8 *ip, __u64 ports_be)
{
	__u64 flow = load64(ip + 12) ^ ports_be << 16;
	__u64 port_be = flow * 0x9e3779b97f4a7c15ULL >> 48;

	barrier_var(port_be);
	port_be |= GUE_ENTROPY_BASE;
	barrier_var(port_be);
	return port_be;
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

/* Writes the endpoint's headers in front of the inner header, which loses a hop, and sends. */
static __always_inline int send_to(struct packet *packet, struct ipv4 *ip,
				   const struct su_endpoint *endpoint)
{
	__u32 l2_bytes = endpoint->l2_bytes & 31;
	__u32 outer_bytes = endpoint->outer_bytes & 63;
	int shrink = ip->at - l2_bytes - outer_bytes;
	__u64 word0 = load64(ip->header);
	__u64 word1 = load64(ip->header + 8);
	__u8 *l2, *outer;

	if (SU_UNLIKELY(bpf_xdp_adjust_head(packet->ctx, shrink)))
		return stop(packet, SU_HEADROOM);
	packet_bounds(packet);

	/*
	 * Front to back in whole words: what a header leaves of its last word, the next one overwrites. The last is the
	 * inner header's first 16 bytes.
	 */
	l2 = packet->data;
	outer = packet->data + l2_bytes;
	ip->header = packet->data + l2_bytes + outer_bytes;
	if (SU_UNLIKELY(l2 + 18 > packet->data_end || outer + 32 > packet->data_end ||
			ip->header + IPV4_BYTES > packet->data_end))
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
		store16(outer + 20, entropy(ip->header, bpf_htonl(packet->ports)));
		store16(outer + 24, bpf_htons(ip->total_bytes + 12));
	}
	ipv4_hop(ip->header);
	packet->action = endpoint->ifindex == packet->ctx->ingress_ifindex ?
				 XDP_TX :
				 bpf_redirect(endpoint->ifindex, 0);
	return 1;
}

/*
 * Moves the Ethernet header and VLAN tags up to the inner header. As many bytes as two tags make are moved; where there are
 * fewer, that goes over the inner header's first 8, which are put back.
 */
static __always_inline int leave_tunnel(struct packet *packet, const struct ipv4 *ip)
{
	__u8 *from = packet->data;
	__u64 drop_bytes = (ip->at - packet->link_bytes) & SU_OFFSET_MASK;
	__u8 *to = from + drop_bytes;
	__u64 inner = load64(ip->header);
	__u64 low, middle, high;

	if (SU_UNLIKELY(from + LINK_BYTES > packet->data_end || to + LINK_BYTES > packet->data_end))
		return stop(packet, SU_MALFORMED);
	low = load64(from);
	middle = load64(from + 8);
	high = load64(from + LINK_BYTES - 8);
	store64(to, low);
	store64(to + 8, middle);
	store64(to + LINK_BYTES - 8, high);
	store64(ip->header, inner);
	return bpf_xdp_adjust_head(packet->ctx, drop_bytes) ? stop(packet, SU_HEADROOM) : 1;
}

#endif
