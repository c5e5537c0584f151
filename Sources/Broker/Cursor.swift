internal import Text

/// Where a client is: one position for each of its channels.
///
/// As text `news@1763881234567-0,chat%2Froom1@1763881230001-2`: channel percent-encoded, `@`, position; entries
/// separated by commas and sorted by channel. The same for every transport and every node.
public struct Cursor: Sendable, Equatable {
    /// Bytes of text that are read at most: as many as a request head has. What is given out is no longer than
    /// `Limits.cursorBytesMax`; a client may have more channels in its cursor than it asks for.
    public static let byteCountMax = 65_536

    /// The positions by channel.
    public var positions: [ChannelName: Position]

    /// Makes a cursor from positions.
    public init(_ positions: [ChannelName: Position] = [:]) {
        self.positions = positions
    }

    /// Reads the text form, or `nil` where it is not one. An empty text is a cursor of no channels.
    public init?(_ text: String) {
        positions = [:]
        if text.isEmpty { return }
        guard text.utf8.count <= Self.byteCountMax else { return nil }
        for entry in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let at = entry.lastIndex(of: UInt8(ascii: "@")),
                let name = PercentCoding.decode(Substring(entry[..<at])),
                let channel = ChannelName(name),
                let position = Position(utf8: entry[entry.index(after: at)...])
            else { return nil }
            positions[channel] = position
        }
    }

    /// The text form.
    public var text: String {
        positions.sorted { Array($0.key.text.utf8).lexicographicallyPrecedes(Array($1.key.text.utf8)) }
            .map { Self.entry(PercentCoding.encode($0.key.text), at: $0.value) }
            .joined(separator: Self.separator)
    }

    /// What stands between two channels.
    public static let separator = ","

    /// One channel's part of the text. Its name is encoded already: that costs more than all the rest, and stays as it is.
    public static func entry(_ encodedName: String, at position: Position) -> String { "\(encodedName)@\(position)" }

    /// Bytes of the longest cursor that some channels can come to have, each with a comma.
    public static func byteCountMax(of channels: some Sequence<ChannelName>) -> Int {
        channels.reduce(0) { sum, name in
            sum + name.text.utf8.reduce(0) { $0 + (PercentCoding.isUnreserved($1) ? 1 : 3) } + 1 + Position.textBytesMax
                + 1
        }
    }
}
