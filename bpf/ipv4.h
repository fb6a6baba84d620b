/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * IPv4 (RFC 791), read as two words of 8 bytes and the destination. Words lie in memory order, lowest byte first:
 *
 *   word 0   version/IHL   TOS        total length    identification   flags/offset
 *            bits 0-7      8-15       16-31           32-47            48-63
 *   word 1   TTL           protocol   checksum        source
 *            bits 0-7      8-15       16-31           32-63
 */
#ifndef SU_IPV4_H
#define SU_IPV4_H

#include "packet.h"

#define IPV4_BYTES 20

#define IPV4_MORE_FRAGMENTS bpf_htons(0x2000)
#define IPV4_OFFSET bpf_htons(0x1fff)

#define PROTOCOL_ICMP 1
#define PROTOCOL_IPIP 4
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_GRE 47
#define PROTOCOL_SCTP 132

#define ECN_MASK 3
#define ECN_CONGESTION 3 /* CE, RFC 3168 */

struct ipv4 {
	__u64 at;	   /* offset from the start of the frame */
	__u32 source;	   /* host order, as all below */
	__u32 destination;
	__u32 header_bytes;
	__u32 total_bytes; /* total length */
	__u64 word0;
	__u64 word1;
};

static __always_inline __u8 ipv4_tos(const struct ipv4 *ip)
{
	return ip->word0 >> 8;
}

static __always_inline __u8 ipv4_ttl(const struct ipv4 *ip)
{
	return ip->word1;
}

static __always_inline __u8 ipv4_protocol(const struct ipv4 *ip)
{
	return ip->word1 >> 8;
}

/* Flags and offset as they lie in memory, to be masked by IPV4_MORE_FRAGMENTS and IPV4_OFFSET. */
static __always_inline __u16 ipv4_fragment(const struct ipv4 *ip)
{
	return ip->word0 >> 48;
}

/* Reads what lies at an offset as IPv4, unjudged. False if cut short. */
static __always_inline int load_ipv4(struct packet *packet, struct ipv4 *ip, __u64 at)
{
	__u8 *header = packet->data + at;

	if (header + IPV4_BYTES > packet->data_end)
		return 0;
	ip->at = at;
	ip->word0 = load64(header);
	ip->word1 = load64(header + 8);
	ip->source = bpf_ntohl(ip->word1 >> 32);
	ip->destination = bpf_ntohl(load32(header + 16));
	return 1;
}

/* Version, header length and total length agree with each other and with the bytes present. */
static __always_inline int ipv4_is_sane(struct ipv4 *ip, __u32 present_bytes)
{
	ip->header_bytes = (ip->word0 & 0xf) << 2;
	ip->total_bytes = bpf_ntohs(ip->word0 >> 16);
	return (__u8)(ip->word0 - 0x45) <= 0xa && ip->total_bytes >= ip->header_bytes &&
	       ip->total_bytes <= present_bytes;
}

/* The same for the first header of the frame, whose bytes may lie in fragments of a multi-buffer frame. */
static __always_inline int ipv4_is_sane_in_frame(struct packet *packet, struct ipv4 *ip)
{
	__u32 total_bytes = bpf_ntohs(ip->word0 >> 16);

	if (SU_UNLIKELY(ip->at + total_bytes > packet->frame_bytes))
		packet->frame_bytes = bpf_xdp_get_buff_len(packet->ctx);
	return ipv4_is_sane(ip, packet->frame_bytes - ip->at);
}

/* What begins behind the header; NULL if fewer than the given bytes of it are there. */
static __always_inline __u8 *ipv4_payload(struct packet *packet, const struct ipv4 *ip, __u32 bytes)
{
	__u8 *payload = packet->data + ip->at + ip->header_bytes;

	if (ip->header_bytes + bytes > ip->total_bytes)
		return NULL;
	if (payload + bytes > packet->data_end)
		return NULL;
	return payload;
}

/* One 16-bit word of what a checksum covers changes (RFC 1624, equation 3). All as they lie in memory. */
static __always_inline __u16 checksum_replace(__u16 checksum, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~checksum + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u64 word1_with_checksum(__u64 word1, __u16 checksum)
{
	return (word1 & ~0xffff0000ULL) | (__u64)checksum << 16;
}

/* TTL one less, and the header checksum with it. TTL is 2 or more. */
static __always_inline __u64 word1_hop(__u64 word1)
{
	__u32 sum = (__u16)(word1 >> 16) + 1;

	return word1_with_checksum(word1 - 1, sum + (sum >= 0xffff));
}

/*
 * Congestion that the tunnel met goes into the inner header (RFC 6040 4.2). False: the inner packet says that its ends
 * do not understand the mark, so it is dropped, which they do.
 */
static __always_inline int carry_ecn(struct packet *packet, struct ipv4 *ip)
{
	__u16 from = ip->word0;
	__u16 to = from | ECN_CONGESTION << 8;
	__u8 *header;

	if (SU_LIKELY(packet->outer_ecn != ECN_CONGESTION))
		return 1;
	if (!(ipv4_tos(ip) & ECN_MASK))
		return 0;
	header = packet->data + ip->at;
	if (header + IPV4_BYTES > packet->data_end)
		return 0;
	ip->word0 = (ip->word0 & ~0xffffULL) | to;
	ip->word1 = word1_with_checksum(ip->word1,
					checksum_replace(ip->word1 >> 16, from, to));
	store64(header, ip->word0);
	store64(header + 8, ip->word1);
	return 1;
}

#endif
