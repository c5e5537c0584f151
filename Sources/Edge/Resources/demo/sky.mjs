/** Meteors at the same time, and milliseconds that one is seen. */
const meteorsMax = 40;
const lifeMilliseconds = 1100;

/** Draws a night sky with a meteor for each message. It moves only while there is a meteor, and never for who wants less motion. */
export class Sky {
    #canvas;
    #pen;
    #meteors = [];
    #isMoving = false;
    #isCalm = matchMedia("(prefers-reduced-motion: reduce)");

    constructor(canvas) {
        this.#canvas = canvas;
        this.#pen = canvas.getContext("2d");
        new ResizeObserver(() => this.#fit()).observe(canvas);
    }

    meteor() {
        if (this.#isCalm.matches || document.hidden || this.#meteors.length >= meteorsMax) return;
        const [x, y, length] = [0.15 + Math.random(), Math.random() * 0.6 - 0.2, 60 + Math.random() * 90];
        this.#meteors.push({ x, y, length, bornMilliseconds: performance.now() });
        if (this.#isMoving) return;
        this.#isMoving = true;
        requestAnimationFrame((now) => this.#move(now));
    }

    #fit() {
        const { clientWidth, clientHeight } = this.#canvas;
        const ratio = devicePixelRatio;
        Object.assign(this.#canvas, { width: clientWidth * ratio, height: clientHeight * ratio });
        this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        this.#draw(performance.now());
    }

    #move(now) {
        this.#meteors = this.#meteors.filter(({ bornMilliseconds }) => now - bornMilliseconds < lifeMilliseconds);
        this.#draw(now);
        this.#isMoving = this.#meteors.length > 0;
        if (this.#isMoving) requestAnimationFrame((later) => this.#move(later));
    }

    #draw(now) {
        const [pen, { clientWidth, clientHeight }] = [this.#pen, this.#canvas];
        pen.clearRect(0, 0, clientWidth, clientHeight);
        pen.fillStyle = "#fff";
        for (let star = 0; star < 90; star++) {
            // Somewhere, but always at the same place.
            const [x, y] = [(star * 0.618034) % 1, (star * star * 0.1327 + star * 0.37) % 1];
            pen.globalAlpha = 0.2 + (star % 10) / 20;
            pen.fillRect(x * clientWidth, y * clientHeight, 1.4, 1.4);
        }
        pen.globalAlpha = 1;
        pen.lineWidth = 1.8;
        pen.lineCap = "round";
        for (const { x, y, length, bornMilliseconds } of this.#meteors) {
            const age = Math.max(0, (now - bornMilliseconds) / lifeMilliseconds);
            const way = (1 - (1 - age) ** 2) * 260;
            const light = Math.sin(Math.PI * Math.min(1, age * 1.15));
            const [left, top] = [x * clientWidth - way * 0.87, y * clientHeight + way * 0.5];
            const [right, up] = [left + length * light * 0.87, top - length * light * 0.5];
            const tail = pen.createLinearGradient(left, top, right, up);
            tail.addColorStop(0, `rgb(200 190 255 / ${0.65 * light})`);
            tail.addColorStop(1, "rgb(200 190 255 / 0)");
            pen.strokeStyle = tail;
            pen.beginPath();
            pen.moveTo(left, top);
            pen.lineTo(right, up);
            pen.stroke();
        }
    }
}
