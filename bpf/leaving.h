/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A packet on its way out, and the port by which it claims its source address. What answers to that port comes back to its
 * owner, so the rules are those of transport.h and icmp.h, seen from the other side: the source port; the identifier of an
 * echo; for an ICMP error, the destination port of the packet that it quotes, which came to us.
 */
#ifndef SU_LEAVING_H
#define SU_LEAVING_H

#include "packet.h"
#include "owners.h"
#include "ethernet.h"
#include "ipv4.h"
#include "icmp.h"

#define PROTOCOL_UDP_LITE 136
#define PORTS_BYTES 8 /* the least that a first fragment carries behind its header */
#define IPV4_MOST_BYTES 60

/* How far the headers reach that are looked at, at most. */
#define LEAVING_BYTES                                                                              \
	(ETHERNET_BYTES + 2 * VLAN_TAG_BYTES + IPV4_MOST_BYTES + ICMP_BYTES + IPV4_MOST_BYTES +    \
	 ICMP_QUOTED_BYTES)

struct leaving {
	struct __sk_buff *skb;
	__u8 *data;
	__u8 *data_end;
	__u64 ip_at;  /* where its IPv4 header begins; 0: not found */
	__u64 prefix;  /* struct su_prefix of its source, as one word */
	__u32 ports;   /* the claimed port above, the other side's below; host order */
	__u32 reason;  /* enum su_guard_reason, once it is known */
};

static __always_inline int settle(struct leaving *packet, __u32 reason)
{
	packet->reason = reason;
	return 0;
}

static __always_inline void leaving_bounds(struct leaving *packet)
{
	packet->data = (__u8 *)(long)packet->skb->data;
	packet->data_end = (__u8 *)(long)packet->skb->data_end;
}

/*
 * Are that many bytes there? Those that lie in pages of their own (sent with sendfile, or received by a card that parts
 * headers from data) are brought in first: pointers into the packet are void after that.
 */
static __always_inline int reach(struct leaving *packet, __u32 bytes)
{
	if (SU_LIKELY(packet->data + bytes <= packet->data_end))
		return 1;
	if (packet->skb->len < bytes || bpf_skb_pull_data(packet->skb, bytes))
		return 0;
	leaving_bounds(packet);
	return packet->data + bytes <= packet->data_end;
}

/* The same for as many as there are, up to all that is looked at. What is missing then is not there. */
static __always_inline void reach_headers(struct leaving *packet)
{
	__u32 bytes = packet->skb->len;

	if (bytes > LEAVING_BYTES)
		bytes = LEAVING_BYTES;
	if (SU_UNLIKELY(packet->data + bytes > packet->data_end)) {
		bpf_skb_pull_data(packet->skb, bytes);
		leaving_bounds(packet);
	}
}

/*
 * Goes on with IPv4 from an egress address. A tag that the kernel keeps beside the frame needs no skipping. More than two
 * in the frame are not looked behind, and nothing leaves unseen.
 */
static __always_inline int find_source(struct leaving *packet)
{
	__u32 at = ETHERNET_BYTES;
	__u16 type;

	if (SU_UNLIKELY(!reach(packet, ETHERNET_BYTES)))
		return settle(packet, SU_GUARD_UNREADABLE);
	type = load16(packet->data + 12);
	if (SU_UNLIKELY(is_vlan(type))) {
		if (!reach(packet, ETHERNET_BYTES + VLAN_TAG_BYTES))
			return settle(packet, SU_GUARD_UNREADABLE);
		at = ETHERNET_BYTES + VLAN_TAG_BYTES;
		type = load16(packet->data + 16);
		if (is_vlan(type)) {
			if (!reach(packet, ETHERNET_BYTES + 2 * VLAN_TAG_BYTES))
				return settle(packet, SU_GUARD_UNREADABLE);
			at = ETHERNET_BYTES + 2 * VLAN_TAG_BYTES;
			type = load16(packet->data + 20);
			if (is_vlan(type))
				return settle(packet, SU_GUARD_UNREADABLE);
		}
	}
	if (type != ETHERNET_TYPE_IPV4)
		return settle(packet, SU_GUARD_NOT_EGRESS);
	if (SU_UNLIKELY(!reach(packet, at + IPV4_BYTES)))
		return settle(packet, SU_GUARD_UNREADABLE);
	packet->ip_at = at;
	packet->prefix = prefix_of(packet->data + at + 12);
	if (SU_PREFIX_WORD_KIND(packet->prefix) != SU_PREFIX_EGRESS)
		return settle(packet, SU_GUARD_NOT_EGRESS);
	return 1;
}

/* The claim of an ICMP error: the packet that it quotes came to the address that the error leaves from. */
static __always_inline int read_quote(struct leaving *packet, __be32 source_be, const __u8 *icmp,
				      __u32 left_bytes)
{
	const struct ipv4 quote = { .header = (__u8 *)icmp + ICMP_BYTES };
	__u32 header_bytes;
	const __u8 *behind;

	if (left_bytes < IPV4_BYTES || quote.header + IPV4_BYTES > packet->data_end)
		return settle(packet, SU_GUARD_ICMP_QUOTE);
	if (!ipv4_is_version_4(&quote) || ipv4_destination_be(&quote) != source_be || ipv4_fragment(&quote) & IPV4_OFFSET)
		return settle(packet, SU_GUARD_ICMP_QUOTE);
	header_bytes = (quote.header[0] & 0xf) << 2;
	behind = quote.header + header_bytes;
	if (left_bytes < header_bytes + ICMP_QUOTED_BYTES ||
	    behind + ICMP_QUOTED_BYTES > packet->data_end)
		return settle(packet, SU_GUARD_ICMP_QUOTE);
	switch (ipv4_protocol(&quote)) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDP_LITE:
	case PROTOCOL_SCTP:
		packet->ports = bpf_ntohs(load16(behind + 2)) << 16 | bpf_ntohs(load16(behind));
		return 1;
	case PROTOCOL_ICMP:
		if (behind[0] != ICMP_ECHO_REQUEST && behind[0] != ICMP_ECHO_REPLY)
			break;
		packet->ports = bpf_ntohs(load16(behind + 4)) << 16;
		return 1;
	}
	return settle(packet, SU_GUARD_ICMP_QUOTE);
}

static __always_inline int read_icmp(struct leaving *packet, __be32 source_be, const __u8 *icmp,
				     __u32 left_bytes)
{
	switch (icmp[0]) {
	case ICMP_ECHO_REQUEST:
	case ICMP_ECHO_REPLY:
		packet->ports = bpf_ntohs(load16(icmp + 4)) << 16;
		return 1;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER_PROBLEM:
		return read_quote(packet, source_be, icmp, left_bytes - ICMP_BYTES);
	}
	return settle(packet, SU_GUARD_ICMP_TYPE);
}

/* The port by which it claims its source address. */
static __always_inline int read_claim(struct leaving *packet)
{
	struct ipv4 ip = {};
	__u32 header_bytes, total_bytes;
	const __u8 *payload;

	reach_headers(packet);
	ip.header = packet->data + packet->ip_at;
	if (ip.header + IPV4_BYTES > packet->data_end)
		return settle(packet, SU_GUARD_UNREADABLE);
	if (SU_UNLIKELY(!ipv4_is_version_4(&ip)))
		return settle(packet, SU_GUARD_UNREADABLE);
	header_bytes = (ip.header[0] & 0xf) << 2;
	total_bytes = bpf_ntohs(load16(ip.header + 2));
	/* What will be cut into segments of its own may be longer than the field can say. */
	if (SU_UNLIKELY(!total_bytes && packet->skb->gso_size))
		total_bytes = packet->skb->len;
	if (SU_UNLIKELY(ipv4_fragment(&ip) & IPV4_OFFSET))
		return settle(packet, SU_GUARD_FRAGMENT);
	payload = ip.header + header_bytes;
	if (SU_UNLIKELY(total_bytes < header_bytes + PORTS_BYTES ||
			payload + PORTS_BYTES > packet->data_end))
		return settle(packet, SU_GUARD_UNREADABLE);
	switch (ipv4_protocol(&ip)) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDP_LITE:
	case PROTOCOL_SCTP:
		packet->ports = bpf_ntohl(load32(payload));
		return 1;
	case PROTOCOL_ICMP:
		return read_icmp(packet, ipv4_source_be(&ip), payload,
				 total_bytes - header_bytes);
	}
	return settle(packet, SU_GUARD_PROTOCOL);
}

/* Whose is the port? */
static __always_inline int find_owner(struct leaving *packet)
{
	const __u8 *last = packet->data + packet->ip_at + 15;
	__u32 slot;

	if (last + 1 > packet->data_end)
		return settle(packet, SU_GUARD_UNREADABLE);
	slot = owner_slot(packet->prefix, *last, packet->ports >> 16);
	if (SU_LIKELY(slot == SU_SLOT_HERE))
		return settle(packet, SU_GUARD_OWNED);
	return settle(packet, slot == SU_SLOT_UNOWNED ? SU_GUARD_UNOWNED : SU_GUARD_FOREIGN);
}

#endif
