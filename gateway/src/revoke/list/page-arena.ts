// The memory of the block list: pages of one size that shards take and give back, so that no garbage arises.
import { LINE } from './list-record.ts'

/*
 * Arrays that are replaced by longer and shorter ones are garbage that V8 counts as external memory, and for it alone it
 * marked the whole heap every 100 ms while entries came or ended: 5 ms each time, more in a process with a large heap. Pages
 * are never replaced. They lie one after the other; when one is given back, the last one of all moves to its place.
 */
export const PAGE_LINE_BITS = 7
export const PAGE_LINES = 1 << PAGE_LINE_BITS
const PAGE_WORD_BITS = PAGE_LINE_BITS + 4
const PAGE_WORDS = PAGE_LINES * LINE
/** 128 pages, one megabyte. */
const CHUNK_PAGE_BITS = 7
const CHUNK_PAGES = 1 << CHUNK_PAGE_BITS
/** A large block of glibc begins 16 bytes after a boundary; behind 48 more, each line is one of the processor's, not parts of two. */
const ALIGNMENT = 12

export interface PageOwner {
  /** Its pages, in order; the arena changes them. */
  readonly pages: number[]
}

export class PageArena {
  readonly #chunks: Uint32Array[] = []
  readonly #owners: PageOwner[] = []
  #scratch = new Uint32Array(PAGE_WORDS)

  /** The words that hold a line of a page; the line begins at `startOf`. */
  wordsOf(page: number): Uint32Array {
    return this.#chunks[page >>> CHUNK_PAGE_BITS] as Uint32Array
  }

  startOf(page: number, line: number): number {
    return ((page & (CHUNK_PAGES - 1)) << PAGE_WORD_BITS) | (line << 4)
  }

  /** Gives the owner more pages, or takes the last ones away from it. */
  resize(owner: PageOwner, pageCount: number): void {
    while (owner.pages.length < pageCount) this.#take(owner)
    while (owner.pages.length > pageCount) this.#giveBack(owner)
  }

  /** At least so many words for whoever needs them for a moment; what is in them then is in them now. */
  scratch(words: number): Uint32Array {
    if (this.#scratch.length < words) this.#scratch = new Uint32Array(words * 2)
    return this.#scratch
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_PAGES * PAGE_WORDS * 4 + this.#scratch.byteLength
  }

  #take(owner: PageOwner): void {
    const page = this.#owners.push(owner) - 1
    if (page >>> CHUNK_PAGE_BITS === this.#chunks.length)
      this.#chunks.push(new Uint32Array(CHUNK_PAGES * PAGE_WORDS + ALIGNMENT).subarray(ALIGNMENT))
    owner.pages.push(page)
  }

  #giveBack(owner: PageOwner): void {
    const hole = owner.pages.pop() as number
    const moved = this.#owners.pop() as PageOwner
    const last = this.#owners.length
    if (hole !== last) {
      const from = this.startOf(last, 0)
      this.wordsOf(hole).set(this.wordsOf(last).subarray(from, from + PAGE_WORDS), this.startOf(hole, 0))
      moved.pages[moved.pages.indexOf(last)] = hole
      this.#owners[hole] = moved
    }
    if (last % CHUNK_PAGES === 0) this.#chunks.pop()
  }
}
