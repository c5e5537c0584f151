/// One thing that `perseid doctor` looked at.
struct Finding: Equatable {
    enum Weight: String {
        /// As it should be.
        case fine = "ok"
        /// It will bite one day.
        case warning
        /// It bites.
        case trouble = "TROUBLE"
    }

    let weight: Weight
    /// What was looked at: `redis memory`.
    let subject: String
    /// How it is.
    let text: String
    /// What to do, unless it is fine.
    let cure: String

    static func fine(_ subject: String, _ text: String) -> Finding {
        Finding(weight: .fine, subject: subject, text: text, cure: "")
    }

    static func warning(_ subject: String, _ text: String, cure: String) -> Finding {
        Finding(weight: .warning, subject: subject, text: text, cure: cure)
    }

    static func trouble(_ subject: String, _ text: String, cure: String) -> Finding {
        Finding(weight: .trouble, subject: subject, text: text, cure: cure)
    }

    /// As it is printed: two lines where there is something to do.
    var lines: String {
        let name = weight.rawValue
        let first = name + String(repeating: " ", count: max(9 - name.count, 1)) + "\(subject): \(text)"
        return cure.isEmpty ? first : "\(first)\n         → \(cure)"
    }
}
