/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * IPv4 (RFC 791).
 *
 *   0          1        2               4               6               8      9         10        12        16
 *   +----------+--------+---------------+---------------+---------------+------+---------+---------+---------+-------------+
 *   |version 4,| TOS,   | total length  | identification| flags, offset | TTL  | protocol| checksum| source  | destination |
 *   |length / 4| ECN    |               |               |               |      |         |         |         |             |
 *   +----------+--------+---------------+---------------+---------------+------+---------+---------+---------+-------------+
 */
#ifndef SU_IPV4_H
#define SU_IPV4_H

#include "packet.h"

#define IPV4_BYTES 20
#define IPV4_WITHOUT_OPTIONS 0x45
#define IPV4_LONGEST 0x4f

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

/*
 * Fields are read from the header when they are needed: a load costs less than keeping a register for it. Those that ways part
 * at are read anew each time (READ_ONCE): what the verifier learnt of a field at one branch would keep the ways apart until
 * the next.
 */
struct ipv4 {
	__u8 *header;	     /* IPV4_BYTES are there */
	__u64 at;	     /* its offset from the start of the frame */
	__u8 *payload;	     /* from here on: once the header is sane */
	__u32 payload_bytes; /* by the header's lengths, whatever the frame has */
	__u32 total_bytes;   /* total length */
};

static __always_inline __u8 ipv4_tos(const struct ipv4 *ip)
{
	return ip->header[1];
}

/* Flags and offset as they lie in memory, to be masked by IPV4_MORE_FRAGMENTS and IPV4_OFFSET. */
static __always_inline __u16 ipv4_fragment(const struct ipv4 *ip)
{
	return load16(ip->header + 6);
}

static __always_inline __u8 ipv4_ttl(const struct ipv4 *ip)
{
	return ip->header[8];
}

static __always_inline __u8 ipv4_protocol(const struct ipv4 *ip)
{
	return READ_ONCE(ip->header[9]);
}

static __always_inline __be32 ipv4_source_be(const struct ipv4 *ip)
{
	return load32(ip->header + 12);
}

static __always_inline __be32 ipv4_destination_be(const struct ipv4 *ip)
{
	return load32(ip->header + 16);
}

/* Takes what lies at an offset for IPv4, unjudged. False if cut short. */
static __always_inline int find_ipv4(struct packet *packet, struct ipv4 *ip, __u64 at)
{
	ip->at = at;
	ip->header = packet->data + at;
	return ip->header + IPV4_BYTES <= packet->data_end;
}

static __always_inline __u32 ipv4_header_bytes(const struct ipv4 *ip)
{
	return (READ_ONCE(ip->header[0]) & 0xf) << 2;
}

static __always_inline __u32 ipv4_total_bytes(const struct ipv4 *ip)
{
	return bpf_ntohs(READ_ONCE(*(const su_word16 *)(ip->header + 2)));
}

/* Version and header length are ones that exist. */
static __always_inline int ipv4_is_version_4(const struct ipv4 *ip)
{
	__u32 first = ip->header[0];

	return first >= IPV4_WITHOUT_OPTIONS && first <= IPV4_LONGEST;
}

/* Version, header length and total length agree with each other and with the bytes present. */
static __always_inline int ipv4_is_sane(struct ipv4 *ip, __u32 present_bytes)
{
	__u32 header_bytes = ipv4_header_bytes(ip);

	ip->total_bytes = ipv4_total_bytes(ip);
	ip->payload = ip->header + header_bytes;
	ip->payload_bytes = ip->total_bytes - header_bytes;
	return ipv4_is_version_4(ip) && ip->total_bytes >= header_bytes &&
	       ip->total_bytes <= present_bytes;
}

/* What begins behind the header; NULL if fewer than the given bytes of it are there. */
static __always_inline __u8 *ipv4_payload(struct packet *packet, const struct ipv4 *ip, __u32 bytes)
{
	if (ip->payload_bytes < bytes || ip->payload + bytes > packet->data_end)
		return NULL;
	return ip->payload;
}

/* One 16-bit word of what a checksum covers changes (RFC 1624, equation 3). All as they lie in memory. */
static __always_inline __u16 checksum_replace(__u16 checksum, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~checksum + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/*
 * TTL one less, and the header checksum with it. TTL, protocol and checksum are one word, the checksum in its upper half:
 * it grows by 1 there, and by 1 more where that carries (RFC 1141). TTL is 2 or more. Without a branch, which the verifier
 * would follow twice.
 */
static __always_inline void ipv4_hop(__u8 *header)
{
	__u64 word = load32(header + 8);
	__u64 carry = (word + 0x20000) >> 32;

	store32(header + 8, word + 0x10000 - 1 + (carry << 16));
}

/*
 * Congestion that the tunnel met goes into the inner header (RFC 6040 4.2). False: the inner packet says that its ends
 * do not understand the mark, so it is dropped, which they do.
 */
static __always_inline int carry_ecn(struct packet *packet, struct ipv4 *ip)
{
	__u16 from, to;

	if (packet->outer_ecn != ECN_CONGESTION)
		return 1;
	from = load16(ip->header);
	if (!(from & ECN_MASK << 8))
		return 0;
	to = from | ECN_CONGESTION << 8;
	store16(ip->header, to);
	store16(ip->header + 10, checksum_replace(load16(ip->header + 10), from, to));
	return 1;
}

#endif
