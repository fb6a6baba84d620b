namespace SoftUnicast.Steering;

/// <summary>What a write changed in the kernel's tables. All zero: they already said it.</summary>
/// <param name="SlotsWritten">Slots of <c>su_rows</c>.</param>
/// <param name="EndpointsWritten">Entries of <c>su_endpoints</c>.</param>
/// <param name="PrefixesWritten">Entries of <c>su_l2</c>.</param>
/// <param name="BlocksWritten">Entries of <c>su_l1</c>.</param>
/// <param name="EndpointsRetired">Entries that no slot points to any more.</param>
/// <param name="WaitedForReaders">True if space had to be freed first.</param>
/// <param name="Refusal">Why nothing was written, with numbers; null if the table is in place.</param>
public sealed record WriteReport(
    int SlotsWritten,
    int EndpointsWritten,
    int PrefixesWritten,
    int BlocksWritten,
    int InterfacesWritten,
    int LocalsWritten,
    int EndpointsRetired,
    bool WaitedForReaders,
    string? Refusal)
{
    public bool IsRefused => Refusal is not null;

    /// <summary>True if nothing at all was stored.</summary>
    public bool IsUnchanged => (SlotsWritten | EndpointsWritten | PrefixesWritten | BlocksWritten | InterfacesWritten | LocalsWritten) == 0;
}
