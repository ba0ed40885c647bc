// The acceptance cases of the REST API over real HTTP, with a fake service behind it.
import { restAcceptance } from '../../contract/rest-acceptance.ts'
import { startFakeServer } from './fake-server.ts'

restAcceptance('a fake service', () => startFakeServer())
