// The memory of the block list: pages of equal size that shards allocate and free, without garbage for the collector.
import { LINE } from './list-record.ts'

/*
 * V8 counts replaced arrays as external memory, and that alone made it mark the whole heap every 100 ms while entries were
 * added or ended: 5 ms each time, more with a large heap. Pages are never replaced. They are contiguous; when one is freed, the
 * last page moves into its position.
 */
export const PAGE_LINE_BITS = 7
export const PAGE_LINES = 1 << PAGE_LINE_BITS
const PAGE_WORD_BITS = PAGE_LINE_BITS + 4
const PAGE_WORDS = PAGE_LINES * LINE
/** 128 pages, 1 MB. */
const CHUNK_PAGE_BITS = 7
const CHUNK_PAGES = 1 << CHUNK_PAGE_BITS
/** A large block of glibc starts 16 bytes after a cache line boundary. With 48 bytes more, each line of a page is one cache line. */
const ALIGNMENT = 12

export interface PageOwner {
  /** The pages of the owner, in order. The arena changes them. */
  readonly pages: number[]
}

export class PageArena {
  readonly #chunks: Uint32Array[] = []
  readonly #owners: PageOwner[] = []
  #scratch = new Uint32Array(PAGE_WORDS)

  /** Returns the array that holds a page. Its lines begin at `startOf`. */
  wordsOf(page: number): Uint32Array {
    return this.#chunks[page >>> CHUNK_PAGE_BITS] as Uint32Array
  }

  startOf(page: number, line: number): number {
    return ((page & (CHUNK_PAGES - 1)) << PAGE_WORD_BITS) | (line << 4)
  }

  /** Allocates pages for the owner, or frees its last ones. */
  resize(owner: PageOwner, pageCount: number): void {
    while (owner.pages.length < pageCount) this.#take(owner)
    while (owner.pages.length > pageCount) this.#giveBack(owner)
  }

  /** Returns a shared buffer of at least `words` words, for temporary use. It still holds the content of its previous use. */
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
