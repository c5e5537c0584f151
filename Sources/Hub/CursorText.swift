internal import Broker

/// The text of a cursor that moves on channel by channel.
///
/// To write it anew costs no more than to copy it: the channels are sorted and their names encoded once.
struct CursorText {
    private let names: [String]

    /// `name@position`, or nothing where the client has no position yet.
    private var entries: [String]

    /// Takes topics that are sorted by name, with where the client stands.
    init(_ places: some Sequence<(topic: Topic, position: Position?)>) {
        names = places.map(\.topic.cursorName)
        entries = places.map { place in place.position.map(place.topic.cursorEntry) ?? "" }
    }

    /// Moves on in one of the channels, by its place among them.
    mutating func move(_ place: Int, to position: Position) {
        entries[place] = Cursor.entry(names[place], at: position)
    }

    var text: String { entries.lazy.filter { !$0.isEmpty }.joined(separator: Cursor.separator) }
}
