import Foundation

/// Numbers as they are told in few letters. Any number that there is has one, and what is not known has a dash.
enum TopNumber {
    static func count(_ number: Double?) -> String {
        guard let number, number.isFinite else { return "–" }
        if number < 10_000 {
            return String(format: number < 10 && number != number.rounded() ? "%.1f" : "%.0f", number)
        }
        let units: [(String, Double)] = [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)]
        let unit = units.first { number >= $0.1 } ?? ("k", 1e3)
        return String(format: "%.1f", number / unit.1) + unit.0
    }

    static func milliseconds(_ number: Double?) -> String {
        guard let number else { return "–" }
        guard number.isFinite else { return ">5s" }
        if number < 10 { return String(format: "%.1fms", number) }
        return number < 1_000 ? String(format: "%.0fms", number) : String(format: "%.1fs", number / 1_000)
    }

    static func bytes(_ number: Double) -> String {
        number >= 1_073_741_824
            ? String(format: "%.1fGiB", number / 1_073_741_824) : String(format: "%.0fMiB", number / 1_048_576)
    }

    static func percent(_ share: Double?) -> String { share.map { String(format: "%.0f%%", $0 * 100) } ?? "–" }

    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<60: String(format: "%.0fs", seconds)
        case ..<3_600: String(format: "%.0fmin", (seconds / 60).rounded(.down))
        case ..<86_400:
            String(
                format: "%.0fh%.0fm",
                (seconds / 3_600).rounded(.down),
                (seconds / 60).rounded(.down).truncatingRemainder(dividingBy: 60)
            )
        default:
            String(
                format: "%.0fd%.0fh",
                (seconds / 86_400).rounded(.down),
                (seconds / 3_600).rounded(.down).truncatingRemainder(dividingBy: 24)
            )
        }
    }
}
