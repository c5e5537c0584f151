/// A setting that cannot be used: which, where it was given, and why not. Never its value if that is a secret.
struct SettingsError: Error, Equatable {
    let name: String
    let source: SettingSource
    let reason: String
}

extension SettingsError: CustomStringConvertible {
    /// The place first, as compilers write it. A variable and a flag say which setting they are; a line does not.
    var description: String {
        switch source {
        case .usual: "\(name): \(reason)"
        case .file: name.isEmpty ? "\(source): \(reason)" : "\(source): \(name): \(reason)"
        case .environment, .flag: "\(source): \(reason)"
        }
    }
}

/// All that is wrong with the settings of a node, so that one look mends it.
struct SettingsErrors: Error {
    let all: [SettingsError]
}
