// The option that names the config file, the same for every command.
import { Option } from 'commander'

export function configOption(): Option {
  return new Option('-c, --config <file>', 'config file').env('TOLLGATE_CONFIG').default('config/gateway.yaml')
}
