// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Carries what the Internet sends to an egress address to the server that owns the port, out of tunnels and into them.
 * abi.h draws the tables; README.md tells the way of a packet; docs/counters.md what each reason means.
 */
#include "packet.h"
#include "tables.h"
#include "ethernet.h"
#include "ipv4.h"
#include "icmp.h"
#include "transport.h"
#include "tunnel.h"
#include "send.h"
#include "straight.h"
#include "finish.h"

/* Reads the interface it came in by. One that is not configured passes everything. */
static __always_inline int read_interface(struct packet *packet)
{
	__u32 ifindex = packet->ctx->ingress_ifindex;

	if (SU_UNLIKELY(ifindex >= SU_INTERFACES))
		return stop(packet, SU_NOT_OURS);
	packet->interface = *(const volatile su_word64 *)&TABLE(interfaces)[ifindex];
	packet->roles = SU_INTERFACE_WORD_ROLES(packet->interface);
	if (SU_UNLIKELY(!packet->roles))
		return stop(packet, SU_NOT_OURS);
	packet->zero = SU_INTERFACE_WORD_ZERO(packet->interface);
	return 1;
}

/* Finds the IPv4 header of a packet for an egress address: the first one, or the one in a tunnel that ends here. */
static __always_inline int find_egress(struct packet *packet, struct ipv4 *ip, __u64 *prefix)
{
	struct tunnel_end end = {};

	/* Not link_bytes itself: two numbers that are known to be the same differ from two that are not. */
	if (SU_UNLIKELY(!find_ipv4(packet, ip, any_offset(packet->link_bytes + packet->zero))))
		return stop(packet, SU_UNREADABLE);
	if (find_local(ipv4_destination_be(ip), &end))
		return enter_tunnel(packet, ip, &end, prefix);
	*prefix = prefix_of(ip->header + 16);
	if (SU_UNLIKELY(SU_PREFIX_WORD_KIND(*prefix) != SU_PREFIX_EGRESS))
		return stop(packet, SU_NOT_OURS);
	if (SU_UNLIKELY(!ipv4_is_sane(ip, packet->frame_bytes - ip->at)))
		return stop(packet, SU_MALFORMED);
	if (SU_UNLIKELY(!(packet->roles & SU_ROLE_INTERNET)))
		return stop(packet, SU_ROLE);
	packet->in_rank = SU_RANK_INTERNET | packet->zero;
	packet->outer_ecn = packet->zero;
	return 1;
}

/* May it go to this endpoint? */
static __always_inline int judge_endpoint(struct packet *packet, const struct ipv4 *ip,
					  const struct su_endpoint *endpoint)
{
	if (SU_UNLIKELY(endpoint->rank >= packet->in_rank))
		return stop(packet, SU_RANK);
	if (SU_UNLIKELY(!endpoint->l2_bytes))
		return stop(packet, SU_UNRESOLVED);
	if (SU_UNLIKELY(ipv4_ttl(ip) <= 1))
		return stop(packet, SU_TTL);
	if (SU_UNLIKELY(ip->total_bytes + endpoint->outer_bytes > endpoint->mtu_bytes))
		return stop(packet, SU_TOO_BIG);
	return 1;
}

/*
 * The owner is known: here, or behind an endpoint of a lower rank. The header is found again, so that how much of it the
 * verifier has seen checked no longer says which way the packet came.
 */
static __always_inline int go_to_owner(struct packet *packet, struct ipv4 *ip, __u32 slot)
{
	const struct su_endpoint *endpoint = endpoint_of(slot);

	packet_bounds(packet);
	if (SU_UNLIKELY(!find_ipv4(packet, ip, ip->at)))
		return stop(packet, SU_MALFORMED);
	if (slot == SU_SLOT_HERE) {
		if (SU_UNLIKELY(packet->in_rank == SU_RANK_INTERNET))
			return stop(packet, SU_DELIVERED);
	} else {
		if (SU_UNLIKELY(slot == SU_SLOT_UNOWNED || slot >= SU_ENDPOINTS))
			return stop(packet, SU_UNOWNED);
		if (!judge_endpoint(packet, ip, endpoint))
			return 0;
	}
	if (SU_UNLIKELY(!carry_ecn(packet, ip)))
		return stop(packet, SU_ECN);
	if (slot == SU_SLOT_HERE)
		return leave_tunnel(packet, ip) && stop(packet, SU_DECAPSULATED);
	if (!send_to(packet, ip, endpoint))
		return 0;
	count(&su_endpoint_counters, slot, packet->frame_bytes);
	return stop(packet, packet->in_rank == SU_RANK_INTERNET ? SU_STEERED : SU_CARRIED_ON);
}

/* The way of a packet. Where it ends, packet->reason says why. */
static __always_inline int steer(struct packet *packet)
{
	struct ipv4 ip = {};
	__u64 prefix = 0;

	return read_interface(packet) && parse_ethernet(packet) &&
	       find_egress(packet, &ip, &prefix) && parse_transport(packet, &ip, prefix) &&
	       go_to_owner(packet, &ip, owner_slot(prefix, ip.header[19], packet->port));
}

/*
 * Any packet at all. A global function, which the verifier checks by itself: whatever the straight way knew when it gave up
 * would else be followed through all layers.
 */
__noinline int su_general(struct xdp_md *ctx)
{
	struct packet packet = { .ctx = ctx, .action = XDP_PASS };

	packet_bounds(&packet);
	packet.frame_bytes = bpf_xdp_get_buff_len(ctx);
	steer(&packet);
	return finish(&packet);
}

SEC("xdp.frags")
int su_steer(struct xdp_md *ctx)
{
	int action = go_straight(ctx);

	return action == GENERAL ? su_general(ctx) : action;
}

char _license[] SEC("license") = "Dual MIT/GPL";
