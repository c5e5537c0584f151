import Testing

@testable import Edge

/// What expectations can be made of: they take no value that changes.
private final class Held {
    private var ahead: UsersAhead

    init(countMax: Int) { ahead = UsersAhead(countMax: countMax) }

    var forgottenCount: Int { ahead.forgottenCount }

    func note(_ nanoseconds: UInt64, of metered: Metered, hash: Int) -> Int? {
        ahead.note(nanoseconds, of: metered, hash: hash)
    }

    func tell(_ place: Int, from least: UInt64) -> UInt64? { ahead.tell(place, from: least) }

    func answered(_ place: Int, isToBeToldAgain: Bool) -> UsersAhead.Entry? {
        ahead.answered(place, isToBeToldAgain: isToBeToldAgain)
    }

    func entry(of metered: Metered, hash: Int) -> UsersAhead.Entry? { ahead.entry(of: metered, hash: hash) }
}

@Suite("Users ahead of the cluster")
struct UsersAheadTests {
    @Test("what a user had is told once it is enough, and nothing more while that is under way")
    func telling() throws {
        let ahead = Held(countMax: 8)
        let place = try #require(ahead.note(60, of: .request, hash: 7))
        #expect(ahead.tell(place, from: 100) == nil)
        #expect(ahead.note(60, of: .request, hash: 7) == place)
        #expect(ahead.tell(place, from: 100) == 120)
        _ = ahead.note(500, of: .request, hash: 7)
        #expect(ahead.tell(place, from: 100) == nil)
        #expect(ahead.entry(of: .request, hash: 7)?.nanoseconds == 620)
        let known = ahead.answered(place, isToBeToldAgain: false)
        #expect(known?.hash == 7 && known?.metered == .request && known?.untoldNanoseconds == 500)
        #expect(ahead.tell(place, from: 100) == 500)
    }

    @Test("what was told in vain is told again, or never")
    func failures() throws {
        let ahead = Held(countMax: 8)
        let place = try #require(ahead.note(100, of: .publish, hash: 7))
        #expect(ahead.tell(place, from: 1) == 100)
        #expect(ahead.answered(place, isToBeToldAgain: true)?.untoldNanoseconds == 100)
        #expect(ahead.tell(place, from: 1) == 100)
        #expect(ahead.answered(place, isToBeToldAgain: false)?.nanoseconds == 0)
        #expect(ahead.tell(place, from: 1) == nil)
        // What nobody waits for, and what there is not.
        #expect(ahead.answered(place, isToBeToldAgain: true) == nil)
        for place in [-1, 8, .max] { #expect(ahead.answered(place, isToBeToldAgain: true) == nil) }
    }

    @Test("each limit of a user, and each user, is by itself")
    func apart() throws {
        let ahead = Held(countMax: 1_024)
        for (number, metered) in Metered.allCases.enumerated() {
            for hash in 1...20 { _ = ahead.note(UInt64(number * 100 + hash), of: metered, hash: hash << 20) }
        }
        for (number, metered) in Metered.allCases.enumerated() {
            for hash in 1...20 {
                let known = ahead.entry(of: metered, hash: hash << 20)?.nanoseconds
                #expect(known == nil || known == UInt64(number * 100 + hash))
            }
        }
        #expect(ahead.entry(of: .request, hash: 12_345) == nil)
    }

    @Test("there is room for so many and no more: who had least is forgotten, and never who is told of")
    func bounded() throws {
        let ahead = Held(countMax: 4)
        let places = (1...4).map { ahead.note(UInt64($0) * 10, of: .request, hash: $0) }
        #expect(Set(places).count == 4 && ahead.forgottenCount == 0)
        #expect(ahead.tell(try #require(places[0]), from: 1) == 10)
        // 20 is the least of those that are not.
        #expect(ahead.note(5, of: .request, hash: 5) == places[1])
        #expect(ahead.forgottenCount == 1 && ahead.entry(of: .request, hash: 2) == nil)
        #expect(ahead.entry(of: .request, hash: 1) != nil)
        for place in places.dropFirst() { _ = ahead.tell(try #require(place), from: 1) }
        #expect(ahead.note(5, of: .request, hash: 6) == nil)
        #expect(ahead.forgottenCount == 1)
        for hash in 10..<100_000 { _ = ahead.note(1, of: .request, hash: hash) }
    }

    @Test("no number makes it trap")
    func extremes() throws {
        for countMax in [0, 1, 5, .max] {
            let ahead = Held(countMax: countMax)
            for hash in [Int.min, -1, 0, .max] {
                for _ in 0..<3 {
                    let place = try #require(ahead.note(Allowance.nanosecondsMax, of: .session, hash: hash))
                    _ = ahead.tell(place, from: .max)
                }
                #expect(ahead.entry(of: .session, hash: hash)?.nanoseconds == Allowance.nanosecondsMax)
            }
        }
    }
}
