import sys

from tinytensor._script import main

sys.exit(main(sys.argv[1:]))
