/// What is seldom there, kept apart: eight bytes where it is not. A node hears a hundred thousand channels, and most of what one may need it does
/// not need now.
public struct Seldom<Value> {
    private var place: [Value] = []

    /// Makes one that is not there.
    public init() {}

    /// What is there, if anything is.
    public var known: Value? { place.first }

    /// Changes it; one that was not there begins as `value`.
    public subscript(orNew value: @autoclosure () -> Value) -> Value {
        get { place.first ?? value() }
        _modify {
            if place.isEmpty { place.append(value()) }
            yield &place[0]
        }
    }

    /// Lets go of it.
    public mutating func clear() { if !place.isEmpty { place = [] } }
}

extension Seldom: Sendable where Value: Sendable {}
