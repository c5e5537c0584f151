import Reactor
import TestRandomness
import Testing

/// An element that says when it is destroyed.
private struct Tenant: ~Copyable {
    final class Register {
        var living = 0
        var destroyed: [Int] = []
    }

    let number: Int
    let register: Register

    init(_ number: Int, _ register: Register) {
        self.number = number
        self.register = register
        register.living += 1
    }

    deinit {
        register.living -= 1
        register.destroyed.append(number)
    }
}

@Suite("Slab")
struct SlabTests {
    private let register = Tenant.Register()

    @Test("a key finds its element until it is removed, and never another")
    func keys() {
        var slab = Slab<Tenant>()
        let first = slab.insert(Tenant(1, register))
        let second = slab.insert(Tenant(2, register))
        let found = [first, second].map { slab.pointer(to: $0)?.pointee.number }
        #expect(found == [1, 2])
        slab.remove(first)
        let third = slab.insert(Tenant(3, register))
        let after = [first, second, third].map { slab.pointer(to: $0)?.pointee.number }
        #expect(after == [nil, 2, 3])
        #expect(third.slot == first.slot, "the slot is used again")
        #expect(third.generation != first.generation)
        let count = slab.count
        #expect(count == 2)
        #expect(register.destroyed == [1])
    }

    @Test("removing twice, or by a stale key, changes nothing")
    func removeTwice() {
        var slab = Slab<Tenant>()
        let key = slab.insert(Tenant(1, register))
        slab.remove(key)
        slab.remove(key)
        let next = slab.insert(Tenant(2, register))
        slab.remove(key)
        let (count, isThere) = (slab.count, slab.contains(next))
        #expect(count == 1)
        #expect(isThere)
        #expect(register.destroyed == [1])
    }

    @Test("keys that never were are not found")
    func foreignKeys() {
        var slab = Slab<Tenant>()
        let key = slab.insert(Tenant(1, register))
        let foreign = [
            SlabKey(slot: key.slot, generation: 0),
            SlabKey(slot: key.slot, generation: key.generation &+ 1),
            SlabKey(slot: key.slot, generation: key.generation &+ 2),
            SlabKey(slot: Slot(number: key.slot.number + 1), generation: key.generation),
            SlabKey(slot: Slot(number: .max), generation: .max),
            SlabKey(token: 0),
        ]
        let found = foreign.map { slab.contains($0) }
        #expect(!found.contains(true))
        slab.remove(key)
        let foundAfter = foreign.map { slab.contains($0) }
        #expect(!foundAfter.contains(true))
    }

    @Test("a token carries a key", arguments: [(0, 1), (5, 7), (UInt32.max, UInt32.max), (1, 0)])
    func tokens(index: UInt32, generation: UInt32) {
        let key = SlabKey(slot: Slot(number: index), generation: generation)
        #expect(SlabKey(token: key.token) == key)
        #expect(MemoryLayout<SlabKey>.size == 8)
    }

    @Test("pointers stay where they are while the slab grows by pages")
    func growth() {
        var slab = Slab<Tenant>()
        let keys = (0..<10).map { slab.insert(Tenant($0, register)) }
        let before = keys.map { slab.pointer(to: $0)! }
        let later = (10..<5_000).map { slab.insert(Tenant($0, register)) }
        let after = keys.map { slab.pointer(to: $0)! }
        #expect(before == after)
        let numbers = later.map { slab.pointer(to: $0)!.pointee.number }
        #expect(numbers == Array(10..<5_000))
        let (count, slots, liveNumber) = (slab.count, slab.slotCount, slab[live: 4_999].pointee.number)
        #expect(count == 5_000)
        #expect(slots == 5_000)
        #expect(liveNumber == 4_999)
        let key = slab.key(ofLive: 4_999)
        #expect(key == later.last)
    }

    @Test("the slot that was freed last is used first, so that a small set stays small")
    func reuse() {
        var slab = Slab<Tenant>()
        let keys = (0..<4).map { slab.insert(Tenant($0, register)) }
        slab.remove(keys[1])
        slab.remove(keys[3])
        let isLive = Array(slab.slots).map { slab.isLive($0) }
        #expect(isLive == [true, false, true, false])
        let again = (0..<3).map { slab.insert(Tenant($0, register)).slot }
        #expect(again == [3, 1, 4])
    }

    @Test("elements are destroyed once: when they are removed, or with the slab")
    func destroys() {
        do {
            var slab = Slab<Tenant>()
            let keys = (0..<3_000).map { slab.insert(Tenant($0, register)) }
            for key in keys where key.slot.number % 3 == 0 { slab.remove(key) }
            #expect(register.living == 2_000)
            #expect(register.destroyed.count == 1_000)
        }
        #expect(register.living == 0)
        #expect(register.destroyed.sorted() == Array(0..<3_000))
    }

    @Test("does what a dictionary does")
    func random() {
        var generator = SeededGenerator(seed: 5)
        var slab = Slab<Tenant>()
        var model: [SlabKey: Int] = [:]
        var stale: [SlabKey] = []
        for number in 0..<20_000 {
            if Int.random(in: 0..<100, using: &generator) < 52 || model.isEmpty {
                let key = slab.insert(Tenant(number, register))
                #expect(model.updateValue(number, forKey: key) == nil)
            } else {
                let key = model.keys.randomElement(using: &generator)!
                slab.remove(key)
                model[key] = nil
                stale.append(key)
            }
            if number % 500 == 0 {
                let isRight = model.allSatisfy { slab.pointer(to: $0.key)?.pointee.number == $0.value }
                let foundStale = stale.contains { slab.contains($0) }
                let count = slab.count
                #expect(isRight)
                #expect(!foundStale)
                #expect(count == model.count)
                #expect(register.living == model.count)
            }
        }
    }
}
