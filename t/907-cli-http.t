#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Requests to an address are made by faas itself, all others by faas-https.  If
# this fails, a user sees which of the two it was: by what a server is sent, by
# an answer that is another one, by an error that is not said, by a body that
# waits for its end; or faas hangs at a server that does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Faas::Cli;
use Faas::HTTP qw(listen_on);
use Faas::Proc qw(alive fork_child spawn);
use Faas::Test;
use IO::Handle;
use JSON::PP;
use POSIX qw(mkfifo);
use Test::More;

use constant LARGE => 1_000_000;    # bytes of a body that is sent in chunks


my $t = Faas::Test->new(need => [qw(faas nginx openssl)]);
my $port = $t->free_port;
my $url = "http://127.0.0.1:$port";
my $server = $t->start_backend(name => 'server', addr => "127.0.0.1:$port");
my $other = 'http://127.0.0.1:' . $t->free_port;
my $tls = 'https://127.0.0.1:' . $t->free_port;
my $cli = Faas::Cli->new($t, gateway => $url);

start_other();
start_tls();

# a proxy that is not to be used for any host
my %by_libcurl = (http_proxy => 'http://127.0.0.1:9', no_proxy => '*');

# how each is reached: the server, the other one, flags, and the environment
my %ways = (
    'by itself' => { url => $url, other => $other, flags => [],
        env => { map { $_ => undef } qw(http_proxy all_proxy ALL_PROXY) } },
    'by faas-https' => { url => $url, other => $other, flags => [],
        env => \%by_libcurl },
    'by TLS' => { url => "$tls/server", other => "$tls/other",
        flags => ['--tls-no-verify'], env => {} },
);


# Runs a command; {path} of the server, or of the other one, is its gateway.
sub run {
    my ($way, $in, $path, @args) = @_;

    my $base = $path =~ s/^other:// ? $way->{other} : $way->{url};

    return $cli->run({ in => $in, env => $way->{env} }, @args,
        '-g', "$base$path", @{ $way->{flags} });
}


for my $name (sort keys %ways) {
    my $way = $ways{$name};

    subtest "$name: answers" => sub {
        my $res = run($way, 'short', '/echo', 'invoke', 'a');

        is($res->{out}, 'short', 'a short body comes back');
        is($res->{status}, 0, 'status 0');

        my $large = join '', map { "$_\n" } 1 .. LARGE / 7;

        is(md5_hex(run($way, $large, '/echo', 'invoke', 'a')->{out}),
            md5_hex($large), 'a large one as well');
        is(run($way, '', '/chunked/3/1', 'invoke', 'a')->{out},
            "chunk 1\nchunk 2\nchunk 3\n", 'one in chunks');
        is(length run($way, '', '/size/3000000', 'invoke', 'a')->{out},
            3_000_000, 'a large answer');
        is(run($way, '', '/last', 'invoke', 'a')->{out}, "ok\n",
            'one whose connection ends with it');
        is(run($way, '', 'other:/eof', 'invoke', 'a')->{out}, 'until its end',
            'one that ends with the connection');
        is(run($way, '', '/echo', 'invoke', 'a', '-m', 'HEAD')->{status}, 0,
            'a HEAD has no body');
        like(run($way, '', '/status/418', 'invoke', 'a')->{err},
            qr/^error: .*status code: 418 - status 418$/m, 'an error');
        like(run($way, '', '/status/302', 'list')->{err},
            qr/^error: .*status code: 302/m, 'nothing of the API redirects');
    };

    subtest "$name: an answer that does not end" => sub {
        my $invoke = spawn(name => 'invoke', log => $t->dir . '/invoke.log',
            dir => $cli->dir, cmd => [$cli->program, 'invoke', 'a', '-m',
            'GET', '-g', "$way->{url}/chunked/1000/200", @{ $way->{flags} }],
            env => { HOME => $cli->home, %{ Faas::Test::san_env() },
                %{ $way->{env} } });

        wait_for(sub { (slurp($t->dir . '/invoke.log') // '')
            =~ /^chunk 2$/m }, 30,
            'what has come of an answer');
        ok($invoke->running, 'is shown as it comes');
        $invoke->crash;
        wait_for(sub { !helpers() }, 30, 'end of faas-https');
        pass('nothing is left where faas is killed');
    };

    # nginx would say in its own words what is wrong with these
    next if $name eq 'by TLS';

    subtest "$name: other servers" => sub {
        is(run($way, '', 'other:/interim', 'invoke', 'a')->{out}, 'final',
            'what comes before an answer is passed over');

        my %fails = (
            '/close'            => qr/./,
            '/die-head'         => qr/./,
            '/die-body'         => qr/./,
            'other:/garbage'    => qr/./,
            'other:/upgrade'    => qr/./,
            '/size/68000000'    => qr/answers with more than 67108864 bytes$/,
            'other:/headers'    => qr/more than 65536 bytes of headers$/,
            'other:/interims'   => qr/more than 65536 bytes of headers$/,
            'other:/line'       => qr/./,
        );

        for my $path (sort keys %fails) {
            my $res = run($way, '', $path, 'list');

            is($res->{status}, 1, "$path: status 1");
            is($res->{signal}, 0, 'no crash');
            like($res->{err}, qr/^error: .*$fails{$path}/m, 'the reason');
        }

        my $res = run($way, '', '/delay/20000', 'list', '--timeout', '300ms');
        like($res->{err}, qr/gives no answer in time/, 'one that is slow');
        $res = run($way, '', '/chunked/1000/100', 'list', '--timeout',
            '300ms');
        like($res->{err}, qr/gives no answer in time/, 'one without an end');
        $res = $cli->run({ env => $way->{env}, out => '/dev/null' },
            'invoke', 'a', '-m', 'GET', '--timeout', '300ms', '-g',
            "$way->{other}/flood");
        like($res->{err}, qr/gives no answer in time/, 'one in a hurry');
        $res = run($way, 'x' x LARGE, 'other:/refuse', 'invoke', 'a');
        like($res->{err}, qr/status code: 413/,
            'one that answers before it has read all');
    };
}

subtest 'a server sees no difference' => sub {
    for my $case (['a body', 'x', []], ['no body', '', []],
        ['a large one', 'x' x LARGE, []],
        map({ [$_, '', ['-m', $_]] } qw(GET HEAD PUT DELETE)),
        ['a query', '', ['--query', 'a=b c&d']],
        map({ ["a header: $_", 'x', ['-H', $_]] } 'X-One: 1', 'Host: other',
            'Accept:', 'Accept: text/html', 'User-Agent: x',
            'Content-Length: 1', 'Expect: 100-continue',
            'Connection: keep-alive', 'X-Empty:'))
    {
        my ($what, $in, $args) = @$case;
        my @seen;

        for my $name ('by itself', 'by faas-https') {
            my $res = run($ways{$name}, $in, '/x', 'invoke', 'a', @$args);
            is($res->{err}, '', "$what: sent $name");
            push @seen, ($server->requests)[-1];
            delete $seen[-1]{headers}{connection};
        }

        is_deeply($seen[0], $seen[1], $what);
    }
};

subtest 'names and addresses' => sub {
    my $way = { %{ $ways{'by itself'} }, url => "http://localhost:$port" };

    is(run($way, 'x', '/echo', 'invoke', 'a')->{out}, 'x', 'localhost');
    is(run({ %$way, url => "http://me:secret\@127.0.0.1:$port" }, 'x',
        '/headers', 'invoke', 'a')->{out} =~ /"Basic bWU6c2VjcmV0"/, 1,
        'a password in a URL');

    my $v6 = listen_v6();
    is(run({ %$way, url => "http://[::1]:$v6" }, '', '/', 'invoke', 'a')
        ->{out}, 'version 6', 'an address of IPv6') if $v6;
};

subtest 'a proxy' => sub {
    my $way = { %{ $ways{'by itself'} }, url => 'http://192.0.2.1:8080',
        env => { http_proxy => $url, no_proxy => undef } };

    is(run($way, 'x', '', 'invoke', 'a')->{out}, "ok\n", 'is asked');
    is(($server->requests)[-1]{path}, 'http://192.0.2.1:8080/function/a',
        'for what is elsewhere');
};

subtest 'a file by URL' => sub {
    for my $name ('by itself', 'by faas-https') {
        my $way = $ways{$name};
        my %got = map { $_ => $cli->run({ env => $way->{env} }, 'generate',
            '-f', "$other/$_") } qw(moved loop secure);

        like($got{moved}{out}, qr/^  name: a$/m,
            "$name: redirects are followed");
        like($got{loop}{err}, qr/Maximum \(10\) redirects/, 'but not for ever');
        like($got{secure}{err}, qr/certificate is not trusted/,
            'to TLS as well');
    }
};

subtest 'a body without an end' => sub {
    my $fifo = $t->dir . '/body';

    mkfifo($fifo, 0600) or die "cannot make $fifo: $!\n";

    my $invoke = spawn(name => 'invoke', log => $t->dir . '/talk.log',
        dir => $cli->dir, cmd => ['/bin/sh', '-c', 'exec "$0" "$@" < '
            . $fifo, $cli->program, 'invoke', 'a', '-g', "$other/talk"],
        env => { HOME => $cli->home, %{ Faas::Test::san_env() } });

    open my $out, '>', $fifo or die "cannot open $fifo: $!\n";
    $out->autoflush(1);
    print {$out} 'x' x 70_000;
    wait_for(sub { (slurp($t->dir . '/talk.log') // '') =~ /heard/ }, 30,
        'answer to the beginning of a body');
    print {$out} 'done';
    close $out;
    wait_for(sub { !$invoke->running }, 30, 'end of the call');
    is($invoke->status, 0, 'a function may answer as it reads');
    like(slurp($t->dir . '/talk.log'), qr/heard 70004$/, '... all of it');
    $invoke->stop(may_be_gone => 1);
};

subtest 'one connection' => sub {
    my $n = connections();

    $cli->run('remove', 'a', 'b', 'c', '-g', "$tls/server",
        '--tls-no-verify');
    is(connections() - $n, 1, 'of TLS for several requests');
};

subtest 'faas-https is killed' => sub {
    my $asked = () = $server->requests;
    my $ready = spawn(name => 'ready', log => $t->dir . '/ready.log',
        dir => $cli->dir, cmd => [$cli->program, 'ready', '--attempts', 10_000,
        '--interval', '50ms', '-g', "$tls/server/status/503",
        '--tls-no-verify'],
        env => { HOME => $cli->home, %{ Faas::Test::san_env() } });

    for (1 .. 2) {
        wait_for(sub { (() = $server->requests) > $asked }, 30, 'a question');
        kill KILL => helpers();
        $asked = () = $server->requests;
    }

    wait_for(sub { (() = $server->requests) > $asked + 1 }, 30,
        'more questions');
    pass('another one is started');
    $ready->crash;
};

subtest 'faas-https' => sub {
    my $alone = $t->dir . '/alone';

    mkdir $alone;
    $t->run('cp', $cli->program, $alone);
    like($cli->run({ program => "$alone/faas" }, 'list', '-g',
        'https://127.0.0.1:1')->{err},
        qr/faas-https cannot be started, install it: No such file/,
        'is missed by name');
    is($cli->run({ program => "$alone/faas", env => $ways{'by itself'}{env} },
        'invoke', 'a', '-g', "$url/echo")->{status}, 0,
        'and not needed for an address');

    my $res = $cli->run({ program => $t->build . '/faas-https' });
    is($res->{status}, 1, 'does nothing by itself');
    like($res->{err}, qr/it is started by faas/, 'and says so');

};

$t->finish;


# Processes of faas-https that the test has.
sub helpers {
    return grep { alive($_) && (slurp("/proc/$_/comm") // '')
        eq "faas-https\n" } Faas::Proc::descendants($$);
}


# Answers by their path, as no good server has them.
sub start_other {
    my $listener = listen_on($other =~ s{^http://}{}r);
    my $head = "HTTP/1.1 200 OK\r\n";
    my %answers = (
        eof     => "$head\r\nuntil its end",
        interim => "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
            . "Link: x\r\n\r\n${head}Content-Length: 5\r\n\r\nfinal",
        interims => "HTTP/1.1 100 Continue\r\n\r\n" x 10_000,
        garbage => "SSH-2.0-OpenSSH_9.2\r\n",
        upgrade => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
            . "Connection: upgrade\r\n\r\n",
        headers => $head . join('', map { "X-$_: " . 'x' x 1000 . "\r\n" }
            1 .. 80) . "\r\n",
        line    => $head . 'X: ' . 'x' x 200_000 . "\r\n\r\n",
        refuse  => "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n"
            . "Connection: close\r\n\r\n",
        (map { $_->[0] => "HTTP/1.1 302 Found\r\nLocation: $_->[1]\r\n"
            . "Connection: close\r\nContent-Length: 0\r\n\r\n" }
            ['moved', 'stack'], ['loop', 'loop'], ['secure', "$tls/"]),
        stack   => "$head\r\nfunctions:\n  a:\n    image: a\n",
    );

    fork_child(name => 'other', log => $t->dir . '/other.log', code => sub {
        local $SIG{PIPE} = 'IGNORE';

        while (my $sock = $listener->accept) {
            my $path = read_head($sock);

            if ($path eq 'talk') {
                talk($sock);

            } elsif ($path eq 'flood') {
                syswrite $sock, "$head\r\n";
                1 while syswrite $sock, 'x' x 1000;

            } else {
                syswrite $sock, $answers{$path} // "$head\r\n";
            }

            # what was not read would reset the connection
            shutdown $sock, 1;
            1 while sysread $sock, my $rest, 65536;
        }
    });

    return;
}


# The first part of the path that is asked for.
sub read_head {
    my ($sock) = @_;

    my $in = '';

    while ($in !~ /\r\n\r\n/) {
        sysread $sock, $in, 1, length $in or return '';
    }

    return $in =~ m{^\w+ /(?:other/)?(\w+)} ? $1 : '';
}


# Answers at the first chunk, and says at the end how much there was.
sub talk {
    my ($sock) = @_;

    my ($n, $size) = (0, undef);

    syswrite $sock, "HTTP/1.1 200 OK\r\n\r\nheard ";

    while (1) {
        $size = '';
        sysread $sock, $size, 1, length $size or return
            while $size !~ /\r\n$/;
        $size = hex $size =~ s/\r\n//r;

        for (my $left = $size + 2; $left > 0;) {
            $left -= sysread($sock, my $data, $left) || return;
        }

        last if $size == 0;
        $n += $size;
    }

    syswrite $sock, $n;

    return;
}


# The port of a server that has an address of IPv6; 0 where there are none.
sub listen_v6 {
    my $v6_port = $t->free_port;
    my $listener = IO::Socket::IP->new(LocalHost => '::1', Listen => 5,
        LocalPort => $v6_port, ReuseAddr => 1) or return 0;

    fork_child(name => 'v6', log => $t->dir . '/v6.log', code => sub {
        while (my $sock = $listener->accept) {
            read_head($sock);
            syswrite $sock, "HTTP/1.1 200 OK\r\n\r\nversion 6";
        }
    });

    return $v6_port;
}


# nginx with a certificate of its own in front of both servers.
sub start_tls {
    my $dir = $t->dir . '/tls';
    my $tls_addr = $tls =~ s{^https://}{}r;

    mkdir $dir;

    my $made = $t->run(qw(openssl req -x509 -newkey ec -pkeyopt
        ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1
        -keyout), "$dir/key.pem", '-out', "$dir/cert.pem");
    die $made->{output} if $made->{status};

    $t->spew("$dir/nginx.conf", <<"CONF");
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events {}
http {
    log_format connection \$connection;
    access_log $dir/access.log connection;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    client_max_body_size 0;
    server {
        listen $tls_addr ssl http2;
        ssl_certificate $dir/cert.pem;
        ssl_certificate_key $dir/key.pem;
        location /server/ { proxy_pass http://127.0.0.1:$port/; }
        location /other/ { proxy_pass $other/; }
    }
}
CONF

    spawn(name => 'tls', log => "$dir/nginx.log",
        cmd => ['nginx', '-p', $dir, '-e', "$dir/error.log", '-c',
            "$dir/nginx.conf"]);
    wait_for(sub { -s "$dir/nginx.pid" }, 30, 'nginx with TLS');

    return;
}


# How many there have been so far.
sub connections {
    my %seen = map { $_ => 1 } split /\n/,
        slurp($t->dir . '/tls/access.log') // '';

    return scalar keys %seen;
}
