namespace SoftUnicast.Model.Tests;

/// <summary>What a total order has to keep, on a list that is meant to be ascending and without repeats.</summary>
internal static class Order
{
    public static void Holds<T>(params T[] ascending)
        where T : IComparable<T>, IEquatable<T>
    {
        for (var i = 0; i < ascending.Length; i++)
        {
            for (var j = 0; j < ascending.Length; j++)
            {
                Assert.Equal(Math.Sign(i.CompareTo(j)), Math.Sign(ascending[i].CompareTo(ascending[j])));
                Assert.Equal(i == j, ascending[i].Equals(ascending[j]));
            }
        }
    }

    /// <summary>Formatting into a span gives the text of ToString, and says so when the span is too short.</summary>
    public static void FormatsLike<T>(T value)
        where T : ISpanFormattable
    {
        var text = value.ToString(null, null);
        Span<char> exact = stackalloc char[text.Length];
        Assert.True(value.TryFormat(exact, out var written, default, null));
        Assert.Equal(text, exact[..written].ToString());
        Assert.False(value.TryFormat(exact[..(text.Length - 1)], out _, default, null));
        Assert.Equal(text, $"{value}");
    }
}
