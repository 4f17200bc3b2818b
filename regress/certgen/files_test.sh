#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# What postern-certgen does to files: private keys stay private, nothing is
# replaced unasked, and whatever fails leaves everything as it was.

EX_USAGE=64
EX_CANTCREAT=73
EX_IOERR=74

certgen()
{
	atf_check postern-certgen "$@"
}

self_signed()
{
	certgen self-signed --host a "$@"
}

# A directory of its own, so that nothing else lies in it.
enter()
{
	mkdir "$1" || atf_fail "$1: cannot be made"
	cd "$1" || atf_fail "$1: cannot be entered"
}

mode()
{
	stat -c %a "$1"
}

# Two files that were there before, with what may not be lost.
make_old()
{
	echo 'the old certificate' >c.pem
	echo 'the old key' >c.key
	chmod 644 c.pem c.key
}

old_unharmed()
{
	atf_check -o inline:'the old certificate\n' cat c.pem
	atf_check -o inline:'the old key\n' cat c.key
	atf_check_equal 644 "$(mode c.key)"
}

# nothing_but NAME...: the directory holds these (sorted), no temporary file.
nothing_but()
{
	found=$(find . -mindepth 1 -maxdepth 1 -printf '%f\n' | sort |
	    tr '\n' ' ')
	[ "$found" = "${*:+$* }" ] ||
	    atf_fail "there should be: $*; there is: $found"
}

# Run without the right to overrule a directory's mode, which root has.
without_privilege()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --bounding-set=-all --inh-caps=-all "$@"
	else
		"$@"
	fi
}

atf_test_case modes
modes_head()
{
	atf_set descr "Keys are the owner's alone, whatever the umask"
}
modes_body()
{
	for mask in 000 022 027 077; do
		(umask $mask && self_signed --cert $mask.pem --key $mask.key)
		atf_check_equal 600 "$(mode $mask.key)"
	done
	atf_check_equal 644 "$(mode 000.pem)"
	atf_check_equal 644 "$(mode 022.pem)"
	atf_check_equal 640 "$(mode 027.pem)"
	atf_check_equal 600 "$(mode 077.pem)"
}

atf_test_case never_readable
never_readable_head()
{
	atf_set descr "The key's file is made for its owner alone, exclusively"
	atf_set require.progs "strace"
}
never_readable_body()
{
	atf_check strace -qq -o trace -e trace=openat,chmod,fchmod,fchmodat \
	    postern-certgen self-signed --host a --cert c.pem --key c.key
	grep O_CREAT trace >made || atf_fail "no file was made"
	atf_check_equal 2 "$(wc -l <made | tr -d ' ')"
	atf_check_equal 2 "$(grep -c O_EXCL made)"
	atf_check -o match:', 0600)' head -n 1 made
	atf_check -s exit:1 grep chmod trace
}

atf_test_case exists
exists_head()
{
	atf_set descr "What exists is not touched without --force"
}
stopped_by()
{
	file=$1
	shift
	atf_check -s exit:$EX_CANTCREAT \
	    -e match:"^postern-certgen: $file: exists; .*--force" \
	    postern-certgen self-signed --host a "$@"
}
exists_body()
{
	enter w
	make_old
	stopped_by c.key --cert c.pem --key c.key
	old_unharmed
	stopped_by c.pem --cert c.pem --key new.key
	stopped_by c.key --cert new.pem --key c.key
	old_unharmed
	nothing_but c.key c.pem
}

atf_test_case force
force_head()
{
	atf_set descr "--force replaces, with the modes of new files"
	atf_set require.progs "openssl"
}
force_body()
{
	enter w
	make_old
	self_signed --cert c.pem --key c.key --force
	atf_check_equal 600 "$(mode c.key)"
	atf_check -o match:'BEGIN PRIVATE KEY' head -n 1 c.key
	atf_check -o match:'^subject=CN = a$' \
	    openssl x509 -in c.pem -noout -subject
	nothing_but c.key c.pem
	# One that exists, and one that does not.
	rm c.pem
	self_signed --cert c.pem --key c.key --force
	nothing_but c.key c.pem
}

atf_test_case irregular
irregular_head()
{
	atf_set descr "Links, directories and devices are never replaced"
}
irregular_body()
{
	enter w
	echo precious >target
	ln -s target link
	ln -s nowhere dangling
	mkfifo fifo
	mkdir dir
	for f in link dangling fifo dir /dev/null /dev/full; do
		for force in '' --force; do
			# shellcheck disable=SC2086 # none, or one word
			atf_check -s exit:$EX_CANTCREAT \
			    -e match:"^postern-certgen: $f: exists and is not" \
			    postern-certgen self-signed --host a $force \
			    --cert c.pem --key $f
		done
	done
	atf_check -o inline:'precious\n' cat target
	atf_check test -c /dev/null
	nothing_but dangling dir fifo link target
}

atf_test_case places
places_head()
{
	atf_set descr "Directories that are missing, and names that are none"
}
places_body()
{
	enter w
	: >file
	for f in none/c.key file/c.key; do
		atf_check -s exit:$EX_CANTCREAT \
		    -e match:"^postern-certgen: $f: cannot be made in" \
		    postern-certgen self-signed --host a --cert c.pem --key $f
	done
	for f in ./ /; do
		atf_check -s exit:$EX_CANTCREAT \
		    -e match:"^postern-certgen: $f: is a directory" \
		    postern-certgen self-signed --host a --cert c.pem --key $f
	done
	long=$(printf %0256d 0)
	atf_check -s exit:$EX_CANTCREAT -e match:'File name too long' \
	    postern-certgen self-signed --host a --cert c.pem --key "$long"
	nothing_but file
	# The longest name that there may be, and another directory.
	mkdir sub
	self_signed --cert sub/c.pem --key "${long#0}"
	atf_check test -f sub/c.pem -a -f "${long#0}"
}

atf_test_case same_file
same_file_head()
{
	atf_set descr "Certificate and key are never the same file"
}
same_file_body()
{
	enter w
	for f in c ./c ../w/c "$PWD/c"; do
		atf_check -s exit:$EX_USAGE -e match:'cannot be the same file' \
		    postern-certgen self-signed --host a --cert "$f" --key c \
		    --force
	done
	nothing_but
}

atf_test_case spares_ca
spares_ca_head()
{
	atf_set descr "--force does not replace the CA by what it issues"
}
spares_ca_body()
{
	enter w
	certgen ca --cert ca.pem --key ca.key --name ca
	cp -p ca.pem ca.key ..
	ln ca.key hard.key
	for pair in "ca.pem c.key" "./ca.pem c.key" "c.pem ca.key" \
	    "ca.key c.key" "c.pem hard.key"; do
		# shellcheck disable=SC2086 # two words
		set -- $pair
		atf_check -s exit:$EX_USAGE \
		    -e match:"would replace a file of the CA's" \
		    postern-certgen client --ca ca.pem --ca-key ca.key \
		    --name c --cert "$1" --key "$2" --force
	done
	atf_check cmp ca.pem ../ca.pem
	atf_check cmp ca.key ../ca.key
	nothing_but ca.key ca.pem ca.pem.index hard.key
}

atf_test_case unwritable
unwritable_head()
{
	atf_set descr "A directory that may not be written to"
}
unwritable_body()
{
	enter w
	mkdir closed
	chmod 555 closed
	for pair in "c.pem closed/c.key" "closed/c.pem c.key"; do
		# shellcheck disable=SC2086 # two words
		set -- $pair
		code=0
		without_privilege postern-certgen self-signed --host a \
		    --cert "$1" --key "$2" 2>../said || code=$?
		atf_check_equal $EX_CANTCREAT "$code"
		atf_check -o ignore \
		    grep 'closed/c.*cannot be made: Permission denied' ../said
		nothing_but closed
	done
	chmod 755 closed
	atf_check rmdir closed
}

atf_test_case too_large
too_large_head()
{
	atf_set descr "A limit on file size is an error, not a death"
}
too_large_body()
{
	enter w
	# The message goes through a pipe: a file could not be written to.
	{ (ulimit -f 0; exec postern-certgen self-signed --host a \
	    --cert c.pem --key c.key) 2>&1 || echo "exit $?"; } | cat >../said
	atf_check -o match:'c.key: cannot be written: File too large$' \
	    -o match:"^exit $EX_IOERR\$" cat ../said
	nothing_but
}

atf_test_case disk_full
disk_full_head()
{
	atf_set descr "A real full disk, for the first file and the second"
	atf_set require.user "root"
	atf_set require.progs "unshare"
}
disk_full_body()
{
	mkdir full
	# Inside: the result of each step is told by its exit code.
	cat >inside <<-'EOF'
	mount -t tmpfs -o size=8k,mode=700 tmpfs full || exit 2
	cd full
	head -c 4096 /dev/zero >half
	postern-certgen self-signed --host a --cert c.pem --key c.key
	[ $? = 74 ] || exit 3
	[ "$(ls -A)" = half ] || exit 4
	head -c 4096 /dev/zero >rest
	postern-certgen self-signed --host a --cert c.pem --key c.key
	[ $? = 74 ] || exit 5
	[ "$(ls -A | tr '\n' ' ')" = "half rest " ] || exit 6
	postern-certgen self-signed --host a --cert ../c.pem --key c.key
	[ $? = 74 ] && [ ! -e ../c.pem ] || exit 7
	rm half rest
	postern-certgen self-signed --host a --cert c.pem --key c.key || exit 8
	EOF
	atf_check -e save:said unshare --mount sh inside
	atf_check_equal 3 "$(wc -l <said | tr -d ' ')"
	atf_check -o inline:'3\n' grep -c 'No space left on device' said
	atf_check -o match:'^postern-certgen: c.pem: ' head -n 1 said
	atf_check -o match:'^postern-certgen: c.key: ' tail -n 1 said
}

# after_fault CALL ERROR N ARG...: run with the N-th such call failing.
after_fault()
{
	call=$1 error=$2 n=$3
	shift 3
	code=0
	strace -qq -o ../trace -e trace="$call" \
	    -e inject="$call:error=$error:when=$n" postern-certgen \
	    self-signed --host a --cert c.pem --key c.key "$@" \
	    2>../said || code=$?
	grep -q INJECTED ../trace || atf_fail "$call $n: was never called"
	case $code in
	"$EX_CANTCREAT"|"$EX_IOERR") ;;
	*)	atf_fail "$call $n: exit code $code" ;;
	esac
	atf_check_equal 1 "$(wc -l <../said | tr -d ' ')"
	atf_check -o ignore grep '^postern-certgen: c\.[kp]e[ym]: ' ../said
}

atf_test_case faults
faults_head()
{
	atf_set descr "Each step of writing fails in turn: no file is left"
	atf_set require.progs "strace"
}
faults_body()
{
	enter w
	for step in write:ENOSPC:2 fsync:EIO:4 linkat:ENOSPC:2; do
		call=${step%%:*}
		error=${step#*:}
		for n in $(seq "${step##*:}"); do
			after_fault "$call" "${error%:*}" "$n"
			nothing_but
		done
	done
}

atf_test_case faults_force
faults_force_head()
{
	atf_set descr "Each step of replacing fails in turn: the old is back"
	atf_set require.progs "strace"
}
faults_force_body()
{
	enter w
	make_old
	for step in write:ENOSPC:2 fsync:EIO:4 linkat:EPERM:2 \
	    renameat,renameat2:ENOSPC:2; do
		call=${step%%:*}
		error=${step#*:}
		for n in $(seq "${step##*:}"); do
			after_fault "$call" "${error%:*}" "$n" --force
			old_unharmed
			nothing_but c.key c.pem
		done
	done
}

atf_test_case signals
signals_head()
{
	atf_set descr "A signal while it writes waits for both files"
	atf_set require.progs "openssl strace"
}
signals_body()
{
	enter w
	for signal in HUP INT QUIT TERM; do
		for n in 1 2; do
			code=0
			strace -qq -o ../trace -e trace=fsync \
			    -e inject="fsync:signal=$signal:when=$n" \
			    postern-certgen self-signed --host a \
			    --cert c.pem --key c.key || code=$?
			[ $code -gt 128 ] ||
			    atf_fail "$signal: was not taken: exit $code"
			atf_check -o ignore openssl x509 -in c.pem -noout
			atf_check -o ignore openssl pkey -in c.key -noout
			nothing_but c.key c.pem
			rm c.key c.pem
		done
	done
}

atf_test_case at_once
at_once_head()
{
	atf_set descr "Of two runs for the same files one wins, and is whole"
	atf_set require.progs "openssl"
}
at_once_body()
{
	enter w
	for round in 1 2 3 4 5 6 7 8; do
		postern-certgen self-signed --host a --cert c.pem \
		    --key c.key 2>../first &
		first=$!
		second_code=0 first_code=0
		postern-certgen self-signed --host b --cert c.pem \
		    --key c.key 2>../second || second_code=$?
		wait $first || first_code=$?
		case $first_code:$second_code in
		"0:$EX_CANTCREAT"|"$EX_CANTCREAT:0") ;;
		*)	cat ../first ../second
			atf_fail "round $round: $first_code and $second_code" ;;
		esac
		openssl pkey -in c.key -pubout >../of.key || atf_fail "no key"
		openssl x509 -in c.pem -noout -pubkey >../of.cert ||
		    atf_fail "no certificate"
		atf_check cmp ../of.key ../of.cert
		nothing_but c.key c.pem
		rm c.key c.pem
	done
}

atf_test_case no_output
no_output_head()
{
	atf_set descr "Where -v cannot speak, the files are there nevertheless"
}
no_output_body()
{
	code=0
	postern-certgen self-signed --host a --cert c.pem --key c.key -v \
	    >/dev/full 2>said || code=$?
	atf_check_equal $EX_IOERR "$code"
	atf_check -o match:'^postern-certgen: standard output .*No space left' \
	    cat said
	atf_check test -s c.pem -a -s c.key
	code=0
	postern-certgen --help >/dev/full 2>said || code=$?
	atf_check_equal $EX_IOERR "$code"
}

atf_test_case no_core
no_core_head()
{
	atf_set descr "No core file, no other process of the user looks in"
	atf_set require.progs "strace"
}
no_core_body()
{
	atf_check strace -qq -o trace \
	    -e trace=prctl,prlimit64,setrlimit,openat \
	    postern-certgen self-signed --host a --cert c.pem --key c.key
	# Before anything is read or made.
	sed '/O_CREAT/,$d' trace >before
	atf_check -o ignore \
	    grep 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE) *= 0' before
	# Where strace is not root's it cannot look in either: an address.
	atf_check -o ignore grep -e 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}' \
	    -e 'RLIMIT_CORE, 0x[0-9a-f]*, NULL) *= 0' before
	atf_check -o ignore grep 'PR_SET_NO_NEW_PRIVS, 1.* = 0' before
}

atf_init_test_cases()
{
	atf_add_test_case modes
	atf_add_test_case never_readable
	atf_add_test_case exists
	atf_add_test_case force
	atf_add_test_case irregular
	atf_add_test_case places
	atf_add_test_case same_file
	atf_add_test_case spares_ca
	atf_add_test_case unwritable
	atf_add_test_case too_large
	atf_add_test_case disk_full
	atf_add_test_case faults
	atf_add_test_case faults_force
	atf_add_test_case signals
	atf_add_test_case at_once
	atf_add_test_case no_output
	atf_add_test_case no_core
}
