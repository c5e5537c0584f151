"""What every page of a node must keep, whatever it shows: each check says what is wrong, and nothing if nothing is."""

# WCAG 2.2, 1.4.3: of text and what lies behind it, for texts of every size.
CONTRAST_MIN = 4.5

CONTRAST_FAULTS = """
    const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    /** Any colour of CSS as red, green, blue (0 to 255) and alpha (0 to 1). */
    function parsed(colour) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
    }
    const over = (above, below) => [...[0, 1, 2].map((each) => above[each] * above[3] + below[each] * (1 - above[3])), 1];
    function luminance(colour) {
        const [red, green, blue] = colour.map((part) => part / 255).map((part) =>
            part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    function contrast(one, other) {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    }
    /** What may lie behind an element: of a gradient each of its colours by itself. */
    function backgrounds(element) {
        const layers = [];
        for (let place = element; place; place = place.parentElement) {
            const style = getComputedStyle(place);
            const stops = style.backgroundImage.match(/(rgba?|hsla?|oklch|oklab|color)\\([^()]*\\)/g);
            layers.push(stops ?? [style.backgroundColor]);
        }
        const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
        return layers.reverse().reduce((below, colours) =>
            below.flatMap((behind) => colours.map((colour) => over(parsed(colour), behind))), [canvas]);
    }
    function opacity(element) {
        let share = 1;
        for (let place = element; place; place = place.parentElement) share *= getComputedStyle(place).opacity;
        return share;
    }
    const faults = new Set();
    function look(element, colour, text) {
        const [red, green, blue, alpha] = parsed(colour);
        const ink = [red, green, blue, alpha * opacity(element)];
        const least = Math.min(...backgrounds(element).map((behind) => contrast(over(ink, behind), behind)));
        if (least < arguments_min) faults.add(`${least.toFixed(2)}: ${element.localName}.${element.className} "${text.trim().slice(0, 40)}"`);
    }
    const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length
        && !element.closest("[data-visually-hidden]") && element.getBoundingClientRect().width > 1;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement, data } = walker.currentNode;
        if (!data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "TEXTAREA", "OPTION"].includes(parentElement.tagName)) continue;
        if (isSeen(parentElement)) look(parentElement, getComputedStyle(parentElement).color, data);
    }
    for (const field of document.querySelectorAll("input, textarea, select")) {
        if (!isSeen(field) || ["checkbox", "radio", "range", "color"].includes(field.type)) continue;
        look(field, getComputedStyle(field).color, field.value || field.localName);
        if (field.placeholder && !field.value) look(field, getComputedStyle(field, "::placeholder").color, field.placeholder);
    }
    return [...faults];
""".replace("arguments_min", str(CONTRAST_MIN))

CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable], [tabindex], [role=button], [role=tab]"

SCROLLS_SIDEWAYS = """
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth && document.body.scrollWidth <= clientWidth) return [];
    // Whose own place has bars of its own does not widen the page.
    const isHeld = (element) => {
        for (let place = element.parentElement; place && place !== document.body; place = place.parentElement) {
            if (getComputedStyle(place).overflowX !== "visible") return true;
        }
    };
    return [`${scrollWidth} of ${clientWidth} pixels`, ...[...document.body.querySelectorAll("*")]
        .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5 && !isHeld(element))
        .map((element) => `${element.localName}#${element.id}.${element.className}`).slice(0, 5)];
"""


def contrast_faults(driver):
    """Texts that can be seen, of fields and their placeholders too, which are too faint: how faint, where, and which."""
    return driver.execute_script(CONTRAST_FAULTS)


def unnamed_controls(driver):
    """Controls that can be seen and have no name by which a screen reader could tell of them, as the browser computes it."""
    controls = [each for each in driver.find_elements("css selector", CONTROLS) if each.is_displayed()]
    return [each.get_attribute("outerHTML")[:120] for each in controls if not each.accessible_name.strip()]


def scrolls_sideways(driver):
    """How far the page is wider than the window, and what makes it so."""
    return driver.execute_script(SCROLLS_SIDEWAYS)


def set_screen(driver, width, height, is_dark):
    """Gives the page a screen of so many pixels, where the user wants it light or dark."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def faults(driver):
    """All of these, each with the name of its check."""
    checks = [contrast_faults, unnamed_controls, scrolls_sideways]
    return [f"{check.__name__}: {fault}" for check in checks for fault in check(driver)]
