/// The date of an answer as fields have it, RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
public struct HTTPDate: Sendable, Equatable {
    /// Seconds since 1970 began.
    public let seconds: UInt64

    /// The date as text, 29 bytes.
    public let text: String

    /// Writes a date.
    public init(seconds: UInt64) {
        self.seconds = seconds
        // bounded: there are far fewer days than an Int has room for
        let days = Int(clamping: seconds / 86_400)
        let (year, month, day) = Self.date(daysSince1970: days)
        let time = seconds % 86_400
        let parts = [time / 3_600, time / 60 % 60, time % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        // 1970 began on a Thursday.
        let weekday = Self.weekdays[(days + 3) % 7]
        let twoDigits = day < 10 ? "0\(day)" : "\(day)"
        text = "\(weekday), \(twoDigits) \(Self.months[month - 1]) \(year) \(parts.joined(separator: ":")) GMT"
    }

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The Gregorian date. Years are counted from March, so that the day that a leap year has more is its last; 400 of them always
    /// have 146,097 days.
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        // From the first of March of the year 0.
        let days = daysSince1970 + 719_468
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = days / 146_097 * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
