/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Ethernet with up to two VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).
 *
 *   0               6               12      14
 *   +---------------+---------------+-------+     type 0x8100 or 0x88a8: 2 bytes of tag, then a type again
 *   | destination   | source        | type  |     type 0x0800: IPv4 follows
 *   +---------------+---------------+-------+
 */
#ifndef SU_ETHERNET_H
#define SU_ETHERNET_H

#include "packet.h"

#define ETHERNET_BYTES 14
#define VLAN_TAG_BYTES 4
#define LINK_BYTES (ETHERNET_BYTES + 2 * VLAN_TAG_BYTES)

#define ETHERNET_TYPE_IPV4 bpf_htons(0x0800)
#define ETHERNET_TYPE_VLAN bpf_htons(0x8100)
#define ETHERNET_TYPE_SERVICE_VLAN bpf_htons(0x88a8)

/* One of two types, told by one branch: the verifier would follow the packet once for each. */
static __always_inline int is_vlan(__u32 type)
{
	return (type ^ ETHERNET_TYPE_VLAN) * (type ^ ETHERNET_TYPE_SERVICE_VLAN) == 0;
}

/*
 * Skips to IPv4, says where it begins. Frames to another station, and all that is not IPv4, are not ours. Tags are read
 * through a pointer of their own, so that what the verifier knows of the frame's start stays the same with and without.
 */
static __always_inline int parse_ethernet(struct packet *packet)
{
	__u64 bytes = ETHERNET_BYTES;
	__u8 *data = packet->data;
	__u64 difference;
	__u8 *tag;
	__u16 type;

	if (data + ETHERNET_BYTES > packet->data_end)
		return stop(packet, SU_UNREADABLE);
	difference = (load64(data) ^ packet->interface) << 16;
	barrier_var(difference); /* else it becomes a mask of 8 bytes, and slower */
	if (difference)
		return stop(packet, SU_NOT_OURS);
	type = load16(data + 12);
	if (type != ETHERNET_TYPE_IPV4) {
		if (!is_vlan(type))
			return stop(packet, SU_NOT_OURS);
		tag = data + any_offset(ETHERNET_BYTES + packet->zero);
		if (tag + VLAN_TAG_BYTES > packet->data_end)
			return stop(packet, SU_UNREADABLE);
		type = load16(tag + 2);
		bytes += VLAN_TAG_BYTES;
		if (is_vlan(type)) {
			if (tag + 2 * VLAN_TAG_BYTES > packet->data_end)
				return stop(packet, SU_UNREADABLE);
			type = load16(tag + VLAN_TAG_BYTES + 2);
			bytes += VLAN_TAG_BYTES;
		}
		if (type != ETHERNET_TYPE_IPV4)
			return stop(packet, SU_NOT_OURS);
	}
	packet->link_bytes = any_offset(bytes + packet->zero);
	return 1;
}

#endif
