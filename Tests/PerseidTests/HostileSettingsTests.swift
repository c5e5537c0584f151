import Foundation
import Testing

@testable import perseid

/// Settings that are wrong in a way that could leave a node open, or without an end.
@Suite struct HostileSettingsTests {
    @Test("each is refused, with all that its row says and nothing else", arguments: HostileSettings.rows)
    func row(_ row: HostileSettings.Row) throws {
        let begun = ContinuousClock.now
        let said = try complaints(file: row.file).map { $0.replacing(#/config: \/.*?\.yaml/#, with: "config: FILE") }
        #expect(said == row.complaints)
        #expect(ContinuousClock.now - begun < .seconds(10))
    }

    @Test("no row is lost")
    func count() {
        #expect(HostileSettings.rows.count >= 80)
        #expect(Set(HostileSettings.rows.map(\.name)).count == HostileSettings.rows.count)
    }
}
