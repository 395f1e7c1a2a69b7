// Counts the exchanges of one generation, and tells when the last one is over.

export class Exchanges {
  count = 0
  #onOver: (() => void) | undefined

  over(): void {
    this.count -= 1
    if (this.count === 0) this.#onOver?.()
  }

  /** Calls it when none is under way, perhaps now. For a generation that gets no more of them. */
  whenOver(onOver: () => void): void {
    if (this.count === 0) onOver()
    else this.#onOver = onOver
  }
}
