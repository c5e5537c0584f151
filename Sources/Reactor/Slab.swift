/// Names one element of a slab, for as long as that element lives: as the kernel's 64-bit user data, in a timer, in
/// another thread's message.
///
/// Size: 8 bytes.
@frozen
public struct SlabKey: Hashable, Sendable {
    /// Which slot.
    public var index: UInt32

    /// Which tenant of the slot; a new one with every insertion.
    public var generation: UInt32

    /// Makes a key from its parts.
    @inlinable
    public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Reads a key from a poller's token.
    @inlinable
    public init(token: UInt64) {
        self.init(index: UInt32(truncatingIfNeeded: token), generation: UInt32(truncatingIfNeeded: token >> 32))
    }

    /// The key as a poller's token.
    @inlinable
    public var token: UInt64 { UInt64(generation) << 32 | UInt64(index) }
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
    @usableFromInline var free: [UInt32] = []

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

    /// Slots that were ever used; indices are below it.
    @inlinable
    public var slotCount: Int { generations.count }

    /// Moves an element in and names it.
    @inlinable
    public mutating func insert(_ element: consuming Element) -> SlabKey {
        let index: Int
        if let reused = free.popLast() {
            index = Int(reused)
        } else {
            index = generations.count
            if index % Self.pageCapacity == 0 {
                pages.append(.allocate(capacity: Self.pageCapacity))
                generations.reserveCapacity(index + Self.pageCapacity)
            }
            generations.append(0)
        }
        generations[index] &+= 1
        slot(index).initialize(to: element)
        // bounded: `connectionsMax` and the system's descriptors are less
        return SlabKey(index: UInt32(index), generation: generations[index])
    }

    /// Destroys an element; its key and all copies of it are stale from here on.
    @inlinable
    public mutating func remove(_ key: SlabKey) {
        guard contains(key) else { return }
        let index = Int(key.index)
        generations[index] &+= 1
        slot(index).deinitialize(count: 1)
        free.append(key.index)
    }

    /// Whether the element a key named still lives.
    @inlinable
    public func contains(_ key: SlabKey) -> Bool {
        Int(key.index) < generations.count && generations[Int(key.index)] == key.generation && key.generation & 1 == 1
    }

    /// The element a key names, or `nil` if it is gone.
    @inlinable
    public func pointer(to key: SlabKey) -> UnsafeMutablePointer<Element>? {
        contains(key) ? slot(Int(key.index)) : nil
    }

    /// The element in a slot that is known to be taken.
    @inlinable
    public subscript(live index: UInt32) -> UnsafeMutablePointer<Element> {
        assert(generations[Int(index)] & 1 == 1, "slot \(index) is empty")
        return slot(Int(index))
    }

    /// The key of a slot that is known to be taken.
    @inlinable
    public func key(ofLive index: UInt32) -> SlabKey {
        SlabKey(index: index, generation: generations[Int(index)])
    }

    /// Whether a slot is taken.
    @inlinable
    public func isLive(_ index: UInt32) -> Bool { generations[Int(index)] & 1 == 1 }

    @inlinable
    func slot(_ index: Int) -> UnsafeMutablePointer<Element> {
        pages[index / Self.pageCapacity] + index % Self.pageCapacity
    }
}
