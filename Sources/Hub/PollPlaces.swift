internal import Broker

/// The channels of a poll, and where its client stands in each.
///
/// Thread: owned by one reactor. An idle client is a poll of one channel: that one takes no memory besides the poll's own, where an
/// array took 64 bytes.
enum PollPlaces: RandomAccessCollection, MutableCollection {
    typealias Element = (topic: Topic, position: Position)

    case one(Topic, Position)
    /// None, or more than one.
    case several([Element])

    init() { self = .several([]) }

    var startIndex: Int { 0 }
    var endIndex: Int {
        switch self {
        case .one: 1
        case .several(let places): places.count
        }
    }

    subscript(place: Int) -> Element {
        get {
            switch self {
            case .one(let topic, let position): (topic, position)
            case .several(let places): places[place]
            }
        }
        set {
            switch self {
            case .one: self = .one(newValue.topic, newValue.position)
            case .several(var places):
                self = .several([])
                places[place] = newValue
                self = .several(places)
            }
        }
    }

    mutating func append(_ new: Element) {
        switch self {
        case .one(let topic, let position): self = .several([(topic, position), new])
        case .several(var places):
            if places.isEmpty {
                self = .one(new.topic, new.position)
            } else {
                self = .several([])
                places.append(new)
                self = .several(places)
            }
        }
    }

    mutating func remove(at place: Int) {
        var rest = Array(self)
        rest.remove(at: place)
        self = rest.count == 1 ? .one(rest[0].topic, rest[0].position) : .several(rest)
    }
}
