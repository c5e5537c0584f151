/// What a reactor, a node or all of them have to say to a question.
public struct ClusterPart: Sendable, Equatable {
    /// Clients that the question was about, and that did what they should.
    public var count: Int

    /// What is known of them: JSON objects, with commas between them. There may be fewer than `count`, if they are many.
    public var items: [UInt8]

    /// Makes one.
    public init(count: Int = 0, items: [UInt8] = []) {
        self.count = count
        self.items = items
    }

    /// Adds another's; of what is known as much as there is room for. Counts are what other nodes say, so they may be anything.
    mutating func add(_ other: ClusterPart, bytesMax: Int) {
        let (sum, isOver) = count.addingReportingOverflow(other.count)
        count = isOver ? .max : sum
        guard !other.items.isEmpty, items.count + other.items.count < bytesMax else { return }
        if !items.isEmpty { items.append(UInt8(ascii: ",")) }
        items += other.items
    }
}
