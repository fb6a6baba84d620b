-- Answers queries for addresses by policy. One copy runs in each of dnsdist's threads, with no lock between them.
-- The policies are in a file of their own. It is read again when the number in the generation file, which is mapped into
-- memory, changes: so a change takes effect for the next query, and a look at it costs one load.
-- A file that cannot be read leaves the former policies in force.
local ffi = require("ffi")
local bit = require("bit")
local C = ffi.C
local band, bxor, lshift, rshift, tobit = bit.band, bit.bxor, bit.lshift, bit.rshift, bit.tobit
local byte, sub, lower = string.byte, string.sub, string.lower
local floor, random = math.floor, math.random

-- Each thread declares them anew, which LuaJIT refuses where they are known already.
pcall(ffi.cdef, [[
int open(const char *path, int flags, ...);
int close(int fd);
int64_t lseek(int fd, int64_t offset, int whence);
void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset);
int munmap(void *address, size_t length);
int64_t time(int64_t *out);
]])

local STATE = @STATE@
local GENERATION = @GENERATION@
local QTYPE_A, QTYPE_AAAA, CLASS_IN, TYPE_OPT = 1, 28, 1, 41
local SERVFAIL = 2
local PASS, ANSWERED = DNSAction.None, DNSAction.HeaderModify
local HASH_ATTEMPTS, HOST_SEED, SECOND_DRAWS = 16, 256, 4

local rules = nil
local loaded = -1
local failed, failed_at = -1, -1
local mapped = nil
local looked = 0

do
	local seed = io.open("/dev/urandom", "rb")
	local bytes = { byte(seed:read(6), 1, 6) }
	seed:close()
	local number = 0
	for i = 1, 6 do number = number * 256 + bytes[i] end
	math.randomseed(number)
end

-- The folder of the file may have been made anew (a restart of the daemon), so the file is opened again once a second.
local function look()
	looked = tonumber(C.time(nil))
	local fd = C.open(GENERATION, 0x80000) -- O_RDONLY | O_CLOEXEC
	if fd < 0 then return end
	-- A page behind the end of a file must never be read: SIGBUS.
	if C.lseek(fd, 0, 2) < 4 then -- SEEK_END
		C.close(fd)
		return
	end
	local page = C.mmap(nil, 4096, 1, 1, fd, 0) -- PROT_READ, MAP_SHARED
	C.close(fd)
	if ffi.cast("intptr_t", page) == -1 then return end
	if mapped ~= nil then C.munmap(ffi.cast("void *", mapped), 4096) end
	mapped = ffi.cast("volatile uint32_t *", page)
end

-- What cannot be read now (no descriptor is left, for one) is tried again once a second; the former state answers meanwhile.
local function load_state(generation)
	if generation == failed and looked == failed_at then return end
	local fine, state = false, nil
	local chunk = loadfile(STATE)
	if chunk ~= nil then
		setfenv(chunk, {})
		fine, state = pcall(chunk)
	end
	if fine and type(state) == "table" and state.format == 2 then
		for _, places in ipairs({ state.names, state.suffixes }) do
			for name, index in pairs(places) do places[name] = state.candidates[index] end
		end
		rules, loaded = state, generation
	else
		failed, failed_at = generation, looked
	end
end

-- Bob Jenkins' one-at-a-time, as NameHash computes it; 0 to 2^32 - 1.
local function hash(name, seed)
	local h = tobit(seed * 0x9e3779b9)
	for i = 1, #name do
		h = tobit(h + byte(name, i))
		h = tobit(h + lshift(h, 10))
		h = bxor(h, rshift(h, 6))
	end
	h = tobit(h + lshift(h, 3))
	h = bxor(h, rshift(h, 11))
	h = tobit(h + lshift(h, 15))
	return h % 4294967296
end

local function at(prefixes, share)
	for i = 1, #prefixes do
		if share < prefixes[i].till then return prefixes[i] end
	end
	return prefixes[#prefixes]
end

local function first_up(prefixes)
	for i = 1, #prefixes do
		if prefixes[i].up then return prefixes[i] end
	end
end

local word = ffi.new("uint32_t[4]")
local best = ffi.new("uint32_t[4]")

-- A prefix is four words of network and four of how many addresses lie in each; IPv4 has one of both.
local function draw_random(prefixes, words)
	local prefix = #prefixes == 1 and prefixes[1] or at(prefixes, random())
	word[0] = prefix[1] + floor(random() * prefix[2])
	if words == 4 then
		word[1] = prefix[3] + floor(random() * prefix[4])
		word[2] = prefix[5] + floor(random() * prefix[6])
		word[3] = prefix[7] + floor(random() * prefix[8])
	end
end

local function draw_hash(prefixes, words, name)
	local prefix = nil
	for seed = 0, HASH_ATTEMPTS - 1 do
		local hit = at(prefixes, hash(name, seed) / 4294967296)
		if hit.up then
			prefix = hit
			break
		end
	end
	prefix = prefix or first_up(prefixes)
	for i = 0, words - 1 do
		word[i] = prefix[i * 2 + 1] + hash(name, HOST_SEED + i) % prefix[i * 2 + 2]
	end
end

local function draw_one(prefixes, words)
	local prefix = first_up(prefixes)
	for i = 0, words - 1 do word[i] = prefix[i * 2 + 1] end
end

local function load_of(words)
	if words == 1 then return rules.loads[tonumber(word[0])] or 0 end
	return rules.loads6[string.format("%08x%08x%08x%08x", tonumber(word[0]), tonumber(word[1]), tonumber(word[2]), tonumber(word[3]))] or 0
end

local function draw_least(prefixes, words)
	draw_random(prefixes, words)
	local first = load_of(words)
	for i = 0, 3 do best[i] = word[i] end
	for _ = 0, SECOND_DRAWS do
		draw_random(prefixes, words)
		if word[0] ~= best[0] or (words == 4 and (word[1] ~= best[1] or word[2] ~= best[2] or word[3] ~= best[3])) then break end
	end
	if load_of(words) >= first then
		for i = 0, 3 do word[i] = best[i] end
	end
end

local draws = { random = draw_random, hash = draw_hash, one = draw_one, least = draw_least }

-- Attributes: what an earlier rule read stays.
local function row_of(rule, value)
	local set = rule.values[value]
	if set ~= nil then return rules.tags[set] end
	local firsts = rule.firsts
	if #firsts == 0 or #value > 15 or string.find(value, "^%d+$") == nil then return nil end
	local number = tonumber(value, 10)
	local low, high = 1, #firsts + 1
	while low < high do
		local middle = floor((low + high) / 2)
		if firsts[middle] <= number then low = middle + 1 else high = middle end
	end
	low = low - 1
	if low >= 1 and number <= rule.lasts[low] then return rules.tags[rule.sets[low]] end
	return nil
end

local function read_rule(rule, name, into)
	local place = 1
	for _ = 1, #rule do
		local length = byte(name, place)
		if length == 0 then return end
		place = place + length + 1
	end
	if sub(name, place) ~= rule.suffix then return end
	place = 1
	local found = {}
	for i = 1, #rule do
		local pattern = rule[i]
		local length = byte(name, place)
		if not pattern.any then
			local before, after = pattern.before, pattern.after
			local label = sub(name, place + 1, place + length)
			if pattern.attribute == nil then
				if label ~= before then return end
			else
				if #label <= #before + #after or sub(label, 1, #before) ~= before or sub(label, #label - #after + 1) ~= after then return end
				found[#found + 1] = { pattern.attribute, sub(label, #before + 1, #label - #after) }
			end
		end
		place = place + length + 1
	end
	for i = 1, #found do
		local attribute = found[i][1]
		if into[attribute] == nil then into[attribute] = found[i][2] end
	end
	local value = rule.key ~= nil and into[rule.key] or nil
	local tags = value ~= nil and row_of(rule, value) or nil
	if tags ~= nil then
		for tag, text in pairs(tags) do
			if into[tag] == nil then into[tag] = text end
		end
	end
end

local function read_attributes(name)
	local into = {}
	for i = 1, #rules.attributes do read_rule(rules.attributes[i], name, into) end
	return into
end

local function matches(tags, read)
	for tag, values in pairs(tags) do
		local value = read[tag]
		if value == nil or not values[value] then return false end
	end
	return true
end

local function among(candidates, name, kind)
	local read = nil
	for i = 1, #candidates do
		local candidate = candidates[i]
		local choice = candidate[kind]
		if choice ~= nil then
			if candidate.tags == nil then return choice end
			read = read or read_attributes(name)
			if matches(candidate.tags, read) then return choice end
		end
	end
	return nil
end

local function find(name, kind)
	local candidates = rules.names[name]
	local choice = candidates ~= nil and among(candidates, name, kind) or nil
	if choice ~= nil then return choice end
	local place, length = 1, #name
	while true do
		if rules.lengths[length - place + 1] then
			candidates = rules.suffixes[sub(name, place)]
			if candidates ~= nil then
				if #candidates == 0 then return nil end
				choice = among(candidates, name, kind)
				if choice ~= nil then return choice end
			end
		end
		local label = byte(name, place)
		if label == 0 then return nil end
		place = place + label + 1
	end
end

local text_pointer = ffi.new("const char *[1]")
local text_size = ffi.new("size_t[1]")

local function put32(packet, place, value)
	packet[place] = band(rshift(value, 24), 255)
	packet[place + 1] = band(rshift(value, 16), 255)
	packet[place + 2] = band(rshift(value, 8), 255)
	packet[place + 3] = band(value, 255)
end

-- 0: no EDNS, 1: EDNS 0, 2: with DO; nil: something that the server behind should see.
local function edns_of(packet, size, place)
	if packet[6] + packet[7] + packet[8] + packet[9] ~= 0 then return nil end
	local additional = packet[10] * 256 + packet[11]
	if additional == 0 then return 0 end
	if additional > 1 or size < place + 11 then return nil end
	if packet[place] ~= 0 or packet[place + 1] * 256 + packet[place + 2] ~= TYPE_OPT or packet[place + 6] ~= 0 then return nil end
	return band(packet[place + 7], 128) ~= 0 and 2 or 1
end

local function answer(dq)
	if mapped == nil or tonumber(C.time(nil)) ~= looked then look() end
	if mapped ~= nil and mapped[0] ~= loaded then load_state(mapped[0]) end
	if rules == nil then return PASS end
	local qtype = C.dnsdist_ffi_dnsquestion_get_qtype(dq)
	if (qtype ~= QTYPE_A and qtype ~= QTYPE_AAAA) or C.dnsdist_ffi_dnsquestion_get_qclass(dq) ~= CLASS_IN
		or C.dnsdist_ffi_dnsquestion_get_opcode(dq) ~= 0 then return PASS end
	C.dnsdist_ffi_dnsquestion_get_qname_raw(dq, text_pointer, text_size)
	local name = lower(ffi.string(text_pointer[0], text_size[0]))
	local choice = find(name, qtype == QTYPE_A and "a" or "aaaa")
	if choice == nil or choice.authoritative then return PASS end
	local size = tonumber(C.dnsdist_ffi_dnsquestion_get_size(dq))
	local packet = ffi.cast("uint8_t *", C.dnsdist_ffi_dnsquestion_get_header(dq))
	-- Behind the header stand the name and its four bytes of type and class; the name of a question is never compressed.
	local place = 12 + #name + 4
	if size < place or packet[4] ~= 0 or packet[5] ~= 1 then return PASS end
	local edns = edns_of(packet, size, place)
	if edns == nil then return PASS end
	local words = qtype == QTYPE_A and 1 or 4
	local record = choice.nothing and 0 or 12 + words * 4
	if not C.dnsdist_ffi_dnsquestion_set_size(dq, place + record + (edns > 0 and 11 or 0)) then return PASS end
	packet = ffi.cast("uint8_t *", C.dnsdist_ffi_dnsquestion_get_header(dq))
	-- QR and AA; opcode and RD stay; neither RA nor AD; CD stays.
	packet[2] = 0x84 + band(packet[2], 0x01)
	packet[3] = band(packet[3], 0x10) + (choice.nothing and SERVFAIL or 0)
	packet[6], packet[7] = 0, choice.nothing and 0 or 1
	packet[10], packet[11] = 0, edns > 0 and 1 or 0
	if not choice.nothing then
		draws[choice.strategy](choice.prefixes, words, name)
		packet[place], packet[place + 1] = 0xc0, 0x0c
		packet[place + 2], packet[place + 3] = 0, qtype
		packet[place + 4], packet[place + 5] = 0, CLASS_IN
		put32(packet, place + 6, choice.ttl)
		packet[place + 10], packet[place + 11] = 0, words * 4
		for i = 0, words - 1 do put32(packet, place + 12 + i * 4, tonumber(word[i])) end
		place = place + record
	end
	if edns > 0 then
		packet[place], packet[place + 1], packet[place + 2] = 0, 0, TYPE_OPT
		packet[place + 3], packet[place + 4] = 0x04, 0xd0 -- 1232
		packet[place + 5], packet[place + 6] = 0, 0
		packet[place + 7], packet[place + 8] = edns == 2 and 128 or 0, 0
		packet[place + 9], packet[place + 10] = 0, 0
	end
	return ANSWERED
end

-- LuaJIT does not compile what is given dnsdist's bare pointer: a cast in a function that is not compiled, and all else is.
local question = ffi.typeof("dnsdist_ffi_dnsquestion_t *")
local function entry(dq)
	return answer(ffi.cast(question, dq))
end
jit.off(entry)
return entry
