/// A place for one element of a slab, taken by one tenant after the other.
///
/// Size: 4 bytes.
@frozen
public struct Slot: Hashable, Sendable {
    /// Its number, from 0.
    public let number: UInt32

    /// Makes a slot from its number.
    @inlinable
    public init(number: UInt32) { self.number = number }
}

/// Names one element of a slab, for as long as that element lives: as the kernel's 64-bit user data, in a timer, in
/// another thread's message.
///
/// Size: 8 bytes.
@frozen
public struct SlabKey: Hashable, Sendable {
    /// Which slot.
    public let slot: Slot

    /// Which tenant of the slot; a new one with every insertion.
    public let generation: UInt32

    /// Makes a key from its parts.
    @inlinable
    public init(slot: Slot, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// Reads a key from a poller's token.
    @inlinable
    public init(token: UInt64) {
        self.init(
            slot: Slot(number: UInt32(truncatingIfNeeded: token)),
            generation: UInt32(truncatingIfNeeded: token >> 32)
        )
    }

    /// The key as a poller's token.
    @inlinable
    public var token: UInt64 { UInt64(generation) << 32 | UInt64(slot.number) }
}

/// Elements in slots that never move, addressed by index and generation: no dictionary, no reference counting, and a
/// key that outlived its element is simply not found.
///
/// Thread: owned by one reactor. Slots come in pages of 1,024, so growing copies nothing and pointers stay valid until
/// their element is removed.
@frozen
public struct Slab<Element: ~Copyable>: ~Copyable {
    /// Slots in a page.
    @inlinable static var pageCapacity: Int { 1_024 }

    /// What stands beside each element: its generation, odd while the slot is taken.
    @usableFromInline var generations: [UInt32] = []
    @usableFromInline var pages: [UnsafeMutablePointer<Element>] = []
    @usableFromInline var free: [Slot] = []

    /// Elements that live now.
    @inlinable public var count: Int { generations.count - free.count }

    /// Makes an empty slab.
    @inlinable
    public init() {}

    @inlinable
    deinit {
        for index in generations.indices where generations[index] & 1 == 1 {
            (pages[index / Self.pageCapacity] + index % Self.pageCapacity).deinitialize(count: 1)
        }
        for page in pages { page.deallocate() }
    }

    /// Slots that were ever used.
    @inlinable
    public var slotCount: Int { generations.count }

    /// The same, one after the other; some of them are empty.
    @inlinable
    // bounded: `connectionsMax` and the system's descriptors are less
    public var slots: LazyMapSequence<Range<UInt32>, Slot> { (0..<UInt32(generations.count)).lazy.map(Slot.init) }

    /// Moves an element in and names it.
    @inlinable
    public mutating func insert(_ element: consuming Element) -> SlabKey {
        let index: Int
        if let reused = free.popLast() {
            index = Int(reused.number)
        } else {
            index = generations.count
            if index % Self.pageCapacity == 0 {
                pages.append(.allocate(capacity: Self.pageCapacity))
                generations.reserveCapacity(index + Self.pageCapacity)
            }
            generations.append(0)
        }
        generations[index] &+= 1
        place(index).initialize(to: element)
        // bounded: `connectionsMax` and the system's descriptors are less
        return SlabKey(slot: Slot(number: UInt32(index)), generation: generations[index])
    }

    /// Destroys an element; its key and all copies of it are stale from here on.
    @inlinable
    public mutating func remove(_ key: SlabKey) {
        guard contains(key) else { return }
        let index = Int(key.slot.number)
        generations[index] &+= 1
        place(index).deinitialize(count: 1)
        free.append(key.slot)
    }

    /// Whether the element a key named still lives.
    @inlinable
    public func contains(_ key: SlabKey) -> Bool {
        let index = Int(key.slot.number)
        return index < generations.count && generations[index] == key.generation && key.generation & 1 == 1
    }

    /// The element a key names, or `nil` if it is gone.
    @inlinable
    public func pointer(to key: SlabKey) -> UnsafeMutablePointer<Element>? {
        contains(key) ? place(Int(key.slot.number)) : nil
    }

    /// The element in a slot that is known to be taken.
    @inlinable
    public subscript(live slot: Slot) -> UnsafeMutablePointer<Element> {
        assert(isLive(slot), "slot \(slot.number) is empty")
        return place(Int(slot.number))
    }

    /// The key of a slot that is known to be taken.
    @inlinable
    public func key(ofLive slot: Slot) -> SlabKey {
        SlabKey(slot: slot, generation: generations[Int(slot.number)])
    }

    /// Whether a slot is taken.
    @inlinable
    public func isLive(_ slot: Slot) -> Bool { generations[Int(slot.number)] & 1 == 1 }

    @inlinable
    func place(_ index: Int) -> UnsafeMutablePointer<Element> {
        pages[index / Self.pageCapacity] + index % Self.pageCapacity
    }
}
