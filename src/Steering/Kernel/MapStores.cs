using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>
/// Every store into the kernel's tables goes through here: aligned, at most 8 bytes, and a release store, so that a packet
/// that sees it also sees all that was stored before it.
/// </summary>
internal sealed class MapStores(ISteeringMaps maps)
{
    /// <summary>Called before each store; a test stops the writer there, as a kill would.</summary>
    public Action? BeforeStore { get; init; }

    public int Slots { get; private set; }

    public int Endpoints { get; private set; }

    public int Prefixes { get; private set; }

    public int Blocks { get; private set; }

    public int Interfaces { get; private set; }

    public int Locals { get; private set; }

    public bool Any => (Slots | Endpoints | Prefixes | Blocks | Interfaces | Locals) != 0;

    public void Reset() => Slots = Endpoints = Prefixes = Blocks = Interfaces = Locals = 0;

    /// <summary>Stores what differs in a row of slots.</summary>
    /// <param name="codes">What the slots shall mean.</param>
    /// <param name="valueOf">By code: what a slot holds for it.</param>
    public void StoreSlots(int rowBase, ReadOnlySpan<ushort> codes, ReadOnlySpan<ushort> valueOf)
    {
        var row = maps.Rows.Slice(rowBase, codes.Length);
        var stored = 0;
        for (var i = 0; i < row.Length; i++)
        {
            var value = valueOf[codes[i]];
            if (row[i] != value)
            {
                BeforeStore?.Invoke();
                Volatile.Write(ref row[i], value);
                stored++;
            }
        }

        Slots += stored;
    }

    public void StoreSlot(int slot, ushort value)
    {
        if (maps.Rows[slot] != value)
        {
            BeforeStore?.Invoke();
            Volatile.Write(ref maps.Rows[slot], value);
            Slots++;
        }
    }

    public void StorePrefix(int l2Index, SuPrefix value)
    {
        if (StoreWord(ref maps.L2[l2Index], value))
        {
            Prefixes++;
        }
    }

    public void StoreBlock(uint upperHalf, ushort block)
    {
        if (maps.L1[AbiLimits.L1Index(upperHalf)] != block)
        {
            BeforeStore?.Invoke();
            Volatile.Write(ref maps.L1[AbiLimits.L1Index(upperHalf)], block);
            Blocks++;
        }
    }

    /// <summary>Writes a whole entry, which no slot may point to.</summary>
    public void StoreEndpoint(int index, in SuEndpoint value)
    {
        var entry = MemoryMarshal.Cast<SuEndpoint, ulong>(maps.Endpoints.Slice(index, 1));
        var words = MemoryMarshal.Cast<SuEndpoint, ulong>(MemoryMarshal.CreateReadOnlySpan(in value, 1));
        for (var i = 0; i < words.Length; i++)
        {
            BeforeStore?.Invoke();
            Volatile.Write(ref entry[i], words[i]);
        }

        Endpoints++;
    }

    public void StoreInterface(int index, SuInterface value)
    {
        if (StoreWord(ref maps.Interfaces[index], value))
        {
            Interfaces++;
        }
    }

    /// <summary>
    /// Stores an outer address of this server. It has two words: address and accepted headers, then the key. The key is in
    /// place before it is asked for, and an address never meets the key of another.
    /// </summary>
    public void StoreLocal(int index, SuLocal value)
    {
        ref var entry = ref maps.Settings.Locals[index];
        var words = MemoryMarshal.Cast<SuLocal, ulong>(MemoryMarshal.CreateSpan(ref entry, 1));
        var wanted = MemoryMarshal.Cast<SuLocal, ulong>(MemoryMarshal.CreateReadOnlySpan(in value, 1));
        if (words.SequenceEqual(wanted))
        {
            return;
        }

        if (words[1] != wanted[1] && words[0] != 0 && entry.AddressBe != value.AddressBe)
        {
            BeforeStore?.Invoke();
            Volatile.Write(ref words[0], 0);
        }

        var keyFirst = value.AddressBe != 0 && (value.Accept & (uint)AcceptedEncapsulations.GreKey) != 0;
        foreach (var i in keyFirst ? (ReadOnlySpan<int>)[1, 0] : [0, 1])
        {
            if (words[i] != wanted[i])
            {
                BeforeStore?.Invoke();
                Volatile.Write(ref words[i], wanted[i]);
            }
        }

        Locals++;
    }

    public void CountGeneration()
    {
        BeforeStore?.Invoke();
        Volatile.Write(ref maps.Settings.Generation, maps.Settings.Generation + 1);
    }

    private bool StoreWord<T>(ref T place, T value)
        where T : unmanaged
    {
        ref var word = ref Unsafe.As<T, ulong>(ref place);
        var wanted = Unsafe.As<T, ulong>(ref value);
        if (word == wanted)
        {
            return false;
        }

        BeforeStore?.Invoke();
        Volatile.Write(ref word, wanted);
        return true;
    }
}
