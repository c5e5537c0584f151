/// A list that mostly has one element, which stands here and not on the heap: an array of one takes 48 bytes there.
///
/// Size: 16 bytes where elements are references. What is done to more than one costs what it does in an array.
@frozen
public struct Few<Element> {
    /// What stands behind the first.
    @usableFromInline var others: [Element] = []

    /// The first, if there is any.
    @usableFromInline var head: Element?

    /// Makes an empty one.
    @inlinable
    public init() {}

    /// Makes a list of one.
    @inlinable
    public init(_ only: Element) { head = only }
}

extension Few: RandomAccessCollection, MutableCollection {
    /// The first place.
    @inlinable public var startIndex: Int { 0 }

    /// How many there are.
    @inlinable public var endIndex: Int { head == nil ? 0 : others.count + 1 }

    /// The element at a place.
    @inlinable
    public subscript(place: Int) -> Element {
        get {
            // bounded: places are of what is there, as in an array
            place == 0 ? head! : others[place - 1]
        }
        set { if place == 0 { head = newValue } else { others[place - 1] = newValue } }
    }
}

extension Few: RangeReplaceableCollection, ExpressibleByArrayLiteral {
    /// Appends one.
    @inlinable
    public mutating func append(_ element: Element) {
        if head == nil { head = element } else { others.append(element) }
    }

    /// Removes the last, which must be there.
    @inlinable
    @discardableResult
    public mutating func removeLast() -> Element {
        if let last = others.popLast() { return last }
        defer { head = nil }
        // bounded: whoever removes one knows that it is there, as in an array
        return head!
    }

    /// Replaces a part.
    public mutating func replaceSubrange(_ range: Range<Int>, with elements: some Collection<Element>) {
        var all = Array(self)
        all.replaceSubrange(range, with: elements)
        others = Array(all.dropFirst())
        head = all.first
    }

    /// Removes all for which something holds.
    public mutating func removeAll(where isLeaving: (Element) throws -> Bool) rethrows {
        try others.removeAll(where: isLeaving)
        // An array that was emptied would keep its memory.
        if others.isEmpty { others = [] }
        guard let first = head, try isLeaving(first) else { return }
        // bounded: all were looked at, which takes as long
        head = others.isEmpty ? nil : others.removeFirst()
    }

    /// Makes one of the elements of a literal.
    public init(arrayLiteral elements: Element...) { self.init(elements) }
}

extension Few: Equatable where Element: Equatable {}
extension Few: Hashable where Element: Hashable {}
extension Few: Sendable where Element: Sendable {}
