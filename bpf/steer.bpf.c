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
#include "finish.h"

/* Reads the interface it came in by. One that is not configured passes everything. */
static __always_inline enum su_reason read_interface(struct packet *packet)
{
	__u32 ifindex = packet->ctx->ingress_ifindex;

	packet->ifindex = ifindex;
	if (ifindex >= SU_INTERFACES)
		return stop(SU_NOT_OURS);
	packet->interface = *(const volatile su_word64 *)&TABLE(interfaces)[ifindex];
	if (!SU_INTERFACE_WORD_ROLES(packet->interface))
		return stop(SU_NOT_OURS);
	packet->zero = SU_INTERFACE_WORD_ZERO(packet->interface);
	return SU_GO_ON;
}

/* Finds the IPv4 header of a packet for an egress address: the first one, or the one in a tunnel that ends here. */
static __always_inline enum su_reason find_egress(struct packet *packet, struct ipv4 *ip,
						  __u64 *prefix)
{
	struct tunnel_end end = {};

	if (!load_ipv4(packet, ip, any_offset(packet->link_bytes)))
		return stop(SU_UNREADABLE);
	if (find_local(ip->destination, &end))
		return enter_tunnel(packet, ip, &end, prefix);
	*prefix = prefix_of(ip->destination);
	if (SU_PREFIX_WORD_KIND(*prefix) != SU_PREFIX_EGRESS)
		return stop(SU_NOT_OURS);
	if (!ipv4_is_sane_in_frame(packet, ip))
		return stop(SU_MALFORMED);
	if (!(SU_INTERFACE_WORD_ROLES(packet->interface) & SU_ROLE_INTERNET))
		return stop(SU_ROLE);
	packet->in_rank = SU_RANK_INTERNET | packet->zero;
	packet->sent_reason = any_reason(packet, SU_STEERED);
	packet->outer_ecn = packet->zero & ECN_MASK;
	return SU_GO_ON;
}

/* The owner is known: here, or behind an endpoint of a lower rank. */
static __always_inline enum su_reason go_to_owner(struct packet *packet, struct ipv4 *ip)
{
	const struct su_endpoint *endpoint;
	enum su_reason reason;

	if (packet->slot == SU_SLOT_HERE) {
		if (packet->in_rank == SU_RANK_INTERNET)
			return stop(SU_DELIVERED);
		if (!carry_ecn(packet, ip))
			return stop(SU_ECN);
		reason = leave_tunnel(packet, ip);
		return reason == SU_GO_ON ? SU_DECAPSULATED : reason;
	}
	if (packet->slot == SU_SLOT_UNOWNED || packet->slot >= SU_ENDPOINTS)
		return stop(SU_UNOWNED);
	endpoint = endpoint_of(packet->slot);
	if (endpoint->rank >= packet->in_rank)
		return stop(SU_RANK);
	if (!endpoint->l2_bytes)
		return stop(SU_UNRESOLVED);
	if (ipv4_ttl(ip) <= 1)
		return stop(SU_TTL);
	if (ip->total_bytes + endpoint->outer_bytes > endpoint->mtu_bytes)
		return stop(SU_TOO_BIG);
	if (!carry_ecn(packet, ip))
		return stop(SU_ECN);
	reason = send_to(packet, ip, endpoint);
	if (reason != SU_GO_ON)
		return reason;
	return packet->sent_reason;
}

static __always_inline enum su_reason steer(struct packet *packet)
{
	enum su_reason reason;
	struct ipv4 ip = {};
	__u64 prefix = 0;

	reason = read_interface(packet);
	if (reason != SU_GO_ON)
		return reason;
	reason = parse_ethernet(packet);
	if (reason != SU_GO_ON)
		return reason;
	reason = find_egress(packet, &ip, &prefix);
	if (reason != SU_GO_ON)
		return reason;
	reason = parse_transport(packet, &ip, prefix);
	if (reason != SU_GO_ON)
		return reason;
	packet->slot = owner_slot(prefix, ip.destination, packet->port);
	return go_to_owner(packet, &ip);
}

SEC("xdp.frags")
int su_steer(struct xdp_md *ctx)
{
	struct packet packet = { .ctx = ctx, .action = XDP_PASS };

	packet_bounds(&packet);
	packet.frame_bytes = packet.data_end - packet.data;
	return finish(&packet, steer(&packet));
}

char _license[] SEC("license") = "Dual MIT/GPL";
