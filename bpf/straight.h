/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The straight way, for what nearly all packets are: untagged IPv4 without options, whole, TCP or UDP, and tunnels of GUE.
 *
 *   0               12   14              20              30      34              42
 *   +---------------+----+---------------+---------------+-------+------------------------+
 *   | Ethernet      |0800|45 ...  total  |frag TTL prot  | dest. | ports ...              |   native
 *   +---------------+----+---------------+---------------+-------+---------------+--------+
 *   | Ethernet      |0800|45 ...  total  |frag TTL 17    | local | UDP 6080      | GUE    |45 ... ports    tunnelled
 *   +---------------+----+---------------+---------------+-------+---------------+--------+
 *
 * Every header then lies at a constant offset, and fields that must have one value each are compared several at a time.
 * It decides nothing of its own: whatever is not exactly so is GENERAL, and walks through the layers, which say what it
 * gets. Nothing has been changed or counted by then. A packet gets the same either way, which the tests hold both to.
 */
#ifndef SU_STRAIGHT_H
#define SU_STRAIGHT_H

#include "packet.h"
#include "tables.h"
#include "ethernet.h"
#include "ipv4.h"
#include "transport.h"
#include "tunnel.h"
#include "send.h"

#define GENERAL (-1)

#define NATIVE_AT ETHERNET_BYTES
#define TUNNELLED_AT (ETHERNET_BYTES + GUE_OUTER_BYTES)

#define SU_FIRST_ENDPOINT 2 /* 0 and 1 mean unowned and here */

/* The last byte that is looked at: TCP's flags, behind the first or the second IPv4 header. */
#define TRANSPORT_BYTES (TCP_FLAGS_AT + 1)

#define PORTS_BYTES 4

/* UDP with less than 12 bytes of data is not plain: one bound for both protocols. */
#define PLAIN_BYTES (IPV4_BYTES + TCP_BYTES)

/* Bytes 12 to 15 of the frame: type, version and header length; TOS may be any. */
#define TYPE_AND_VERSION bpf_htonl(0x08004500)
#define TYPE_AND_VERSION_MASK bpf_htonl(0xffffff00)

/* Bytes 6 to 9 of an IPv4 header: not a fragment, and the protocol; DF and TTL may be any. */
#define WHOLE_TCP bpf_htonl(PROTOCOL_TCP)
#define WHOLE_UDP bpf_htonl(PROTOCOL_UDP)
#define WHOLE_MASK bpf_htonl(0x3fff00ff)

static __always_inline __u32 whole_protocol(const __u8 *ip)
{
	return load32(ip + 6) & WHOLE_MASK;
}

/* UDP, or TCP that would not open a connection. */
static __always_inline int is_plain_transport(const __u8 *ip, __u32 whole)
{
	__u8 flags = ip[IPV4_BYTES + TCP_FLAGS_AT] & (TCP_FLAG_SYN | TCP_FLAG_ACK);

	return whole == WHOLE_TCP ? flags != TCP_FLAG_SYN : whole == WHOLE_UDP;
}

/* May the packet go to this endpoint, by plain GUE? */
static __always_inline int is_plain_endpoint(const struct su_endpoint *endpoint, __u64 slot,
					     const __u8 *ip, __u32 total_bytes)
{
	return slot - SU_FIRST_ENDPOINT < SU_ENDPOINTS - SU_FIRST_ENDPOINT &&
	       load16(&endpoint->l2_bytes) == (SU_ENCAP_GUE << 8 | ETHERNET_BYTES) && ip[8] > 1 &&
	       total_bytes + GUE_OUTER_BYTES <= endpoint->mtu_bytes;
}

/* Writes Ethernet, IPv4, UDP and GUE in front of the inner header, which loses a hop. */
static __always_inline void write_gue(__u8 *data, const struct su_endpoint *endpoint,
				      __u32 total_bytes)
{
	__u8 *outer = data + ETHERNET_BYTES, *ip = data + TUNNELLED_AT;
	__u64 tos = (__u64)ip[1] << 8;
	__u64 total_be = bpf_htons(total_bytes + GUE_OUTER_BYTES);
	__u64 udp_be = bpf_htons(total_bytes + GUE_OUTER_BYTES - IPV4_BYTES);
	__u64 source_port = entropy(ip, load32(ip + IPV4_BYTES));
	__u64 sum = endpoint->csum_base + tos + total_be;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	store64(data, load64(endpoint->l2));
	store64(data + 6, load64(endpoint->l2 + 6));
	store64(outer, load64(endpoint->outer) | tos | total_be << 16);
	store64(outer + 8, load64(endpoint->outer + 8) | sum << 16);
	store64(outer + 16, load64(endpoint->outer + 16) | source_port << 32);
	store64(outer + 24, load64(endpoint->outer + 24) | udp_be);
	ipv4_hop(ip);
}

/* Counts what goes out, and lets it go. */
static __always_inline int send_out(struct xdp_md *ctx, const struct su_endpoint *endpoint,
				    __u64 slot, __u64 reason, __u64 frame_bytes)
{
	count(&su_endpoint_counters, slot, frame_bytes);
	count(&su_counters, reason, frame_bytes);
	return endpoint->ifindex == ctx->ingress_ifindex ? XDP_TX :
							   bpf_redirect(endpoint->ifindex, 0);
}

/* From the Internet, behind an Ethernet header. */
static __always_inline int steer_straight(struct xdp_md *ctx, __u8 *data, __u64 frame_bytes,
					  __u64 interface)
{
	__u8 *ip = data + NATIVE_AT;
	__u32 total_bytes = bpf_ntohs(load16(ip + 2));
	__u64 prefix = prefix_of(ip + 16);
	const struct su_endpoint *endpoint;
	__u8 *data_end;
	__u64 slot;

	if (SU_PREFIX_WORD_KIND(prefix) != SU_PREFIX_EGRESS) {
		count(&su_counters, SU_NOT_OURS, frame_bytes);
		return XDP_PASS;
	}
	if (!(SU_INTERFACE_WORD_ROLES(interface) & SU_ROLE_INTERNET))
		return GENERAL;
	slot = owner_slot(prefix, ip[19], bpf_ntohs(load16(ip + IPV4_BYTES + 2)));
	if (slot == SU_SLOT_HERE) {
		count(&su_counters, SU_DELIVERED, frame_bytes);
		return XDP_PASS;
	}
	endpoint = endpoint_of(slot);
	if (!is_plain_endpoint(endpoint, slot, ip, total_bytes))
		return GENERAL;
	if (bpf_xdp_adjust_head(ctx, -GUE_OUTER_BYTES))
		return GENERAL;
	data = (__u8 *)(long)ctx->data;
	data_end = (__u8 *)(long)ctx->data_end;
	/* Again: that is cheaper than to keep it over the call. */
	frame_bytes = data_end - data - GUE_OUTER_BYTES;
	if (data + TUNNELLED_AT + IPV4_BYTES + PORTS_BYTES > data_end)
		return XDP_ABORTED; /* not so, but the verifier does not know */
	write_gue(data, endpoint, total_bytes);
	return send_out(ctx, endpoint, slot, SU_STEERED, frame_bytes);
}

/* Out of a tunnel: to the host, or into the next tunnel, whose headers take the place of the first one's. */
static __always_inline int leave_straight(struct xdp_md *ctx, __u8 *data, __u8 *data_end,
					  __u64 frame_bytes, __u64 interface)
{
	__u8 *outer = data + NATIVE_AT, *udp = outer + IPV4_BYTES, *ip = data + TUNNELLED_AT;
	__u32 outer_bytes = bpf_ntohs(load16(outer + 2));
	const struct su_endpoint *endpoint;
	struct tunnel_end end = {};
	__u32 total_bytes;
	__u64 prefix, slot, rank;

	if (ip + IPV4_BYTES + TRANSPORT_BYTES > data_end)
		return GENERAL;
	if (!find_local(load32(outer + 16), &end) || !(end.accept & ACCEPTS(SU_ENCAP_GUE)))
		return GENERAL;
	total_bytes = bpf_ntohs(load16(ip + 2));
	/* UDP's length fits, IPv4 follows, version and header length are plain, no congestion was met. */
	if (((bpf_ntohs(load16(udp + 4)) + IPV4_BYTES) ^ outer_bytes) |
	    (load32(udp + TUNNEL_UDP_BYTES) ^ GUE_IPV4) | (ip[0] ^ IPV4_WITHOUT_OPTIONS))
		return GENERAL;
	if ((outer[1] & ECN_MASK) == ECN_CONGESTION || total_bytes < PLAIN_BYTES ||
	    total_bytes + GUE_OUTER_BYTES > outer_bytes)
		return GENERAL;
	if (!is_plain_transport(ip, whole_protocol(ip)))
		return GENERAL;
	if (!(SU_INTERFACE_WORD_ROLES(interface) & SU_ROLE_BACKBONE))
		return GENERAL;
	rank = peer_rank(outer + 12);
	prefix = prefix_of(ip + 16);
	if (rank - SU_RANK_DATACENTER > SU_RANK_BACKBONE - SU_RANK_DATACENTER ||
	    SU_PREFIX_WORD_KIND(prefix) != SU_PREFIX_EGRESS)
		return GENERAL;
	slot = owner_slot(prefix, ip[19], bpf_ntohs(load16(ip + IPV4_BYTES + 2)));
	if (slot == SU_SLOT_HERE) {
		__u64 low = load64(data), high = load64(data + 6);

		store64(data + GUE_OUTER_BYTES, low);
		store64(data + GUE_OUTER_BYTES + 6, high);
		if (bpf_xdp_adjust_head(ctx, GUE_OUTER_BYTES))
			return XDP_ABORTED; /* not so, but the verifier does not know */
		count(&su_counters, SU_DECAPSULATED, frame_bytes);
		return XDP_PASS;
	}
	endpoint = endpoint_of(slot);
	if (endpoint->rank >= rank || !is_plain_endpoint(endpoint, slot, ip, total_bytes))
		return GENERAL;
	write_gue(data, endpoint, total_bytes);
	return send_out(ctx, endpoint, slot, SU_CARRIED_ON, frame_bytes);
}

/* The XDP action, or GENERAL. */
static __always_inline int go_straight(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *data_end = (__u8 *)(long)ctx->data_end;
	__u32 ifindex = ctx->ingress_ifindex;
	__u64 frame_bytes, interface, difference;
	__u32 whole, total_bytes;

	if (data + NATIVE_AT + IPV4_BYTES + TRANSPORT_BYTES > data_end || ifindex >= SU_INTERFACES)
		return GENERAL;
	frame_bytes = data_end - data; /* of the first buffer, which holds the whole packet */
	interface = *(const volatile su_word64 *)&TABLE(interfaces)[ifindex];
	difference = (load64(data) ^ interface) << 16;
	barrier_var(difference);
	if (difference | ((load32(data + 12) ^ TYPE_AND_VERSION) & TYPE_AND_VERSION_MASK))
		return GENERAL;
	total_bytes = bpf_ntohs(load16(data + NATIVE_AT + 2));
	if (total_bytes < PLAIN_BYTES || NATIVE_AT + total_bytes > frame_bytes)
		return GENERAL;
	whole = whole_protocol(data + NATIVE_AT);
	if (!is_plain_transport(data + NATIVE_AT, whole))
		return GENERAL;
	if (whole == WHOLE_UDP &&
	    load16(data + NATIVE_AT + IPV4_BYTES + 2) == bpf_htons(SU_GUE_PORT))
		return leave_straight(ctx, data, data_end, frame_bytes, interface);
	return steer_straight(ctx, data, frame_bytes, interface);
}

#endif
