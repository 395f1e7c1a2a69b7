// The sockets that systemd opened for this process and hands over: the protocol of sd_listen_fds(3).
import cluster from 'node:cluster'

export interface InheritedSocket {
  readonly fd: number
  readonly name: string
}

/** SD_LISTEN_FDS_START. */
const FIRST_FD = 3
/** What sd_listen_fds_with_names(3) calls sockets that came without a name. */
const NAMELESS = 'unknown'

/** A worker has none: it names a descriptor of its primary, which listens for all workers. */
function receiver(): number {
  return cluster.isWorker ? process.ppid : process.pid
}

/** Empty where the variables are meant for another process, such as our parent. */
export function inheritedSockets(env: NodeJS.ProcessEnv, pid = receiver()): readonly InheritedSocket[] {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES } = env
  if (LISTEN_PID !== String(pid) || !/^[1-9]\d{0,3}$/.test(LISTEN_FDS)) return []
  const names = LISTEN_FDNAMES?.split(':') ?? []
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] ?? NAMELESS,
  }))
}
