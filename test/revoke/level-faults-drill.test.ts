// Attack: a disk that fails at any call. Amplifier: LevelDB goes on behind a torn record. Defence: the next opening has the whole list.
import t from 'tap'

import { compileDiskFaults, compilerPath, runFaults } from '../support/disk-faults.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'
import { requireComponent } from '../support/require-component.ts'

const skip = !requireComponent(t, 'gcc', compilerPath)
/** How many calls fail in a row; a million are all that follow. */
const ROWS = [1, 2, 3, 5, 8, 13, 1_000_000]

t.test(
  'whichever write, sync, opening or renaming fails, a restart knows all that was acknowledged, and in the end all is kept',
  { skip },
  async (t) => {
    const home = t.testdir()
    const library = compileDiskFaults(home)
    let [faults, restarts, late] = [0, 0, 0]
    for (const count of ROWS.slice(0, drillSize(1, ROWS.length))) {
      const runs = await runFaults(library, home, count)
      for (const { wrong } of runs) if (wrong.length > 0) t.same(wrong, [], `${count} in a row`)
      t.equal(runs.at(-1)?.failed, 0, 'the last run went beyond the last call')
      t.ok(runs.length > 50, `${runs.length - 1} calls can fail`)
      faults += runs.reduce((sum, { failed }) => sum + failed, 0)
      restarts += runs.reduce((sum, run) => sum + run.restarts, 0)
      late += runs.reduce((sum, run) => sum + run.late, 0)
    }
    tellFigure(`${faults} failing calls, ${restarts} restarts, ${late} changes acknowledged late, 0 lost`)
  },
)
