// What the listener asks of the generation that serves now.
import type { Answer, AnswerOptions } from '../../accept/answer.ts'
import type { CorsByPath } from '../../accept/origins/cors-by-path.ts'
import type { Router } from '../../accept/routes/router.ts'
import type { Observer } from '../../observe/observe.ts'
import type { Route } from '../route.ts'
import type { Serve } from '../serve.ts'
import type { Steps } from '../steps.ts'

/** A request is assigned and served in one turn, so by one generation; whatever comes of it later lives on in that one. */
export interface Serving {
  readonly router: Router<Route>
  readonly serve: Serve
  /** Undefined for a gateway that opens no WebSockets. */
  readonly upgrade: Steps['upgrade']
  readonly cors: CorsByPath
  readonly answer: Answer
  readonly errors: AnswerOptions
  readonly observer: Observer
}

/** The listener belongs to the process; generations come and go. A property and no function: each request reads it. */
export interface Current {
  readonly current: Serving
}
