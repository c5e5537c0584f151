import Testing

@testable import Hooks

@Suite("When sets of keys are fetched")
struct KeySetScheduleTests {
    private var schedule: KeySetSchedule {
        KeySetSchedule(KeySetSchedule.Times(age: 3_600_000, ageMin: 60_000, ageMax: 86_400_000, pause: 30_000))
    }

    @Test(
        "the age that a set says is believed within bounds, and it is fetched anew before that is over",
        arguments: [
            (nil, 2_700_000), ("max-age=600", 450_000), ("public, Max-Age=600, must-revalidate", 450_000),
            ("max-age=1", 45_000), ("no-store", 45_000), ("no-cache, max-age=600", 45_000),
            ("max-age=99999999999999999999", 2_700_000), ("max-age=999999999", 64_800_000), ("max-age=", 2_700_000),
        ] as [(String?, UInt64)]
    )
    func age(_ field: String?, _ due: UInt64) {
        var schedule = schedule
        #expect(schedule.isDue(atMilliseconds: 0))
        schedule.begin(atMilliseconds: 0)
        #expect(!schedule.isDue(atMilliseconds: 1 << 40))
        schedule.succeed(atMilliseconds: 1_000, cacheControl: field)
        #expect(!schedule.isDue(atMilliseconds: 1_000 + due - 1))
        #expect(schedule.isDue(atMilliseconds: 1_000 + due))
    }

    @Test("after a failure it is tried again soon, then less and less often")
    func failures() {
        var schedule = schedule
        var now: UInt64 = 0
        var pauses: [UInt64] = []
        for _ in 0..<8 {
            schedule.begin(atMilliseconds: now)
            schedule.fail(atMilliseconds: now)
            var pause: UInt64 = 0
            while !schedule.isDue(atMilliseconds: now + pause) { pause += 500 }
            pauses.append(pause)
            now += pause
        }
        #expect(pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    }

    @Test("an unknown key has it fetched once in a pause, whoever asks how often")
    func wanted() {
        var schedule = schedule
        schedule.begin(atMilliseconds: 0)
        let is1 = schedule.want(atMilliseconds: 10)
        #expect(is1)
        schedule.succeed(atMilliseconds: 20, cacheControl: nil)
        let is2 = !schedule.want(atMilliseconds: 29_999)
        #expect(is2)
        #expect(!schedule.isDue(atMilliseconds: 29_999))
        let is3 = schedule.want(atMilliseconds: 30_000)
        #expect(is3)
        #expect(schedule.isDue(atMilliseconds: 30_000))
    }
}
