/// What belongs to one channel and says to which.
public protocol OfChannel: AnyObject {
    /// The channel's name, which never changes.
    var name: ChannelName { get }
}

/// Objects by the name of the channel that each belongs to.
///
/// Size: 12 bytes a place. It grows by a quarter and not to the double, so a quarter to two fifths of the places are free: 16 to 20 bytes an
/// object. A dictionary of names needs 32 a place, of which up to five eighths are free. Linear probing, and what stands behind a gap moves
/// up into it. Names carry their hash, with this process' secret seed, so nobody chooses names that collide.
public struct ChannelTable<Object: OfChannel> {
    /// Of each place a part of the name's hash; 0 where nothing is.
    private var marks: [UInt32] = []
    private var objects: [Object?] = []

    /// How many objects it has.
    public private(set) var count = 0

    /// Makes an empty one.
    public init() {}

    /// Whether it has none.
    public var isEmpty: Bool { count == 0 }

    /// All of them, in no order.
    public var values: some Sequence<Object> { objects.lazy.compactMap { $0 } }

    /// The object of a channel; one that is set is of that channel.
    public subscript(name: ChannelName) -> Object? {
        get { isEmpty ? nil : objects[place(of: name)] }
        set {
            guard let newValue else { return remove(name) }
            assert(newValue.name == name, "an object is found by its own name")
            makeRoom()
            let place = place(of: name)
            if marks[place] == 0 { count += 1 }
            marks[place] = Self.mark(of: name)
            objects[place] = newValue
        }
    }

    private static func mark(of name: ChannelName) -> UInt32 { max(UInt32(truncatingIfNeeded: name.digest), 1) }

    private func next(_ place: Int) -> Int { place + 1 == marks.count ? 0 : place + 1 }

    /// Where to begin to look: a mark's share of the places. In tables of different sizes it is another one, for a table that is filled in
    /// the order of another would else fill its places from the first on, and look through all of them each time.
    private func home(of mark: UInt32) -> Int {
        let size = UInt64(marks.count)
        let mixed = mark &* (UInt32(truncatingIfNeeded: size) &* 0x9E37_79B9 | 1)
        // bounded: less than the count of places
        return Int((UInt64(mixed) * size) >> 32)
    }

    /// How far it is from one place on to another.
    private func way(from start: Int, to place: Int) -> Int {
        place >= start ? place - start : place - start + marks.count
    }

    /// Places from where the object is looked for that stands farthest from there.
    var longestSearch: Int {
        marks.indices.reduce(0) { marks[$1] == 0 ? $0 : max($0, way(from: home(of: marks[$1]), to: $1)) }
    }

    /// Where a name's object is, or the free place where it belongs; there is always one.
    private func place(of name: ChannelName) -> Int {
        let mark = Self.mark(of: name)
        var place = home(of: mark)
        while marks[place] != 0, marks[place] != mark || objects[place]?.name != name { place = next(place) }
        return place
    }

    private mutating func remove(_ name: ChannelName) {
        guard !isEmpty else { return }
        var gap = place(of: name)
        guard marks[gap] != 0 else { return }
        count -= 1
        var place = next(gap)
        while marks[place] != 0 {
            // It stays where it is unless the gap lies between its home and there.
            if way(from: home(of: marks[place]), to: place) >= way(from: gap, to: place) {
                marks[gap] = marks[place]
                objects[gap] = objects[place]
                gap = place
            }
            place = next(place)
        }
        marks[gap] = 0
        objects[gap] = nil
        if marks.count > Self.placesMin, 8 * count < marks.count { resize(to: marks.count / 2) }
    }

    private static var placesMin: Int { 8 }

    private mutating func makeRoom() {
        if 4 * (count + 1) > 3 * marks.count { resize(to: max(marks.count + marks.count / 4, Self.placesMin)) }
    }

    private mutating func resize(to size: Int) {
        let (oldMarks, oldObjects) = (marks, objects)
        marks = Array(repeating: 0, count: size)
        objects = Array(repeating: nil, count: size)
        for (mark, object) in zip(oldMarks, oldObjects) where mark != 0 {
            var place = home(of: mark)
            while marks[place] != 0 { place = next(place) }
            marks[place] = mark
            objects[place] = object
        }
    }
}
