internal import DequeModule

/// A queue that is short nearly always and very long behind a loss, when every channel of the node is in it.
///
/// A deque keeps the memory that it once needed: for a hundred thousand channels a megabyte that is used for a second. This one gives it back
/// when it is empty.
struct BurstQueue<Element> {
    /// One that was never longer keeps its memory: it is filled again at once.
    private static var keptMax: Int { 1_024 }

    private var elements: Deque<Element>

    /// The most that it has had since it was empty and gave its memory back.
    private var countMost: Int

    /// Makes an empty one.
    init() { self.init([]) }

    /// Makes a queue of these.
    init(_ elements: some Sequence<Element>) {
        self.elements = Deque(elements)
        countMost = self.elements.count
    }

    var count: Int { elements.count }
    var isEmpty: Bool { elements.isEmpty }
    var first: Element? { elements.first }

    /// What is in it, oldest first.
    var all: some Sequence<Element> { elements }

    mutating func append(_ element: Element) {
        elements.append(element)
        countMost = max(countMost, elements.count)
    }

    mutating func popFirst() -> Element? {
        let element = elements.popFirst()
        if elements.isEmpty, countMost > Self.keptMax { self = BurstQueue() }
        return element
    }

    /// Takes out those for which something is so, and returns them, oldest first.
    mutating func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        let removed = elements.filter(isMeant)
        guard !removed.isEmpty else { return [] }
        self = BurstQueue(elements.filter { !isMeant($0) })
        return Array(removed)
    }
}
