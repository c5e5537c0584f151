import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A terminal that is drawn on as a whole. Source: ECMA-48, and the private modes of xterm that all terminals know: 1049 is another screen,
/// 25 the cursor.
final class Terminal {
    private var before = termios()

    /// `nil` where standard output is none.
    init?() {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
    }

    /// Begins: keys are neither shown nor waited for by whole lines.
    func enter() {
        tcgetattr(STDIN_FILENO, &before)
        var raw = before
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Ends: all is as it was.
    func leave() {
        write("\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// Letters in a line, and lines: asked anew each time, for windows change. 80 by 24 where the terminal does not say.
    var size: (width: Int, height: Int) {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Whether somebody pressed q.
    var isQuitWanted: Bool {
        var poll = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 0) == 1, poll.revents & Int16(POLLIN) != 0 else { return false }
        var key: UInt8 = 0
        return read(STDIN_FILENO, &key, 1) == 1 && key == UInt8(ascii: "q")
    }

    /// Draws lines from the top, over what was there, in one write: so nothing flickers.
    func show(_ lines: [String], boldLines: Set<Int>) {
        let drawn = lines.enumerated().map { place, line in
            (boldLines.contains(place) ? "\u{1B}[1m\(line)\u{1B}[0m" : line) + "\u{1B}[K"
        }
        write("\u{1B}[H" + drawn.joined(separator: "\r\n") + "\u{1B}[J")
    }

    private func write(_ text: String) { StandardOutput.write(Array(text.utf8)) }
}
