import Foundation

@testable import perseid

/// A settings file that is gone with the test.
final class SettingsText {
    let path: String

    init(_ text: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "perseid-\(UUID().uuidString).yaml")
        try Data(text.utf8).write(to: file)
        path = file.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Reads settings from what a test gives.
func settings(
    flags: [String: String] = [:],
    environment: [String: String] = [:],
    file: String? = nil
) throws -> Settings {
    let text = try file.map { try SettingsText($0) }
    let given = flags.sorted { $0.key < $1.key }.map {
        SettingValue(name: $0.key, source: .flag($0.key), content: .text($0.value, isQuoted: false))
    }
    defer { withExtendedLifetime(text) {} }
    return try Settings(flags: given, environment: environment, file: text?.path)
}

/// What is said of settings that cannot be used; the file is called `file` in it. Nothing, if they can.
func complaints(
    flags: [String: String] = [:],
    environment: [String: String] = [:],
    file: String? = nil
) throws -> [String] {
    do {
        _ = try settings(flags: flags, environment: environment, file: file)
        return []
    } catch let errors as SettingsErrors {
        return errors.all.map { $0.description.replacing(#/^/.*?\.yaml/#, with: "file") }
    }
}

/// The repository's root.
let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
