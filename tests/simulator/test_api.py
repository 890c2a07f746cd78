"""Sessions, generic members, tasks and events: what every class of the API has in common."""

from harness import Rpc, equal, expect_failure, pool, run_tests

NULL = "OpaqueRef:NULL"


def test_login():
    with pool() as running:
        client = running.rpc(login=False)
        password = running.password()
        for params in (["root", password], ["root", password, "1.0"],
                       ["root", password, "1.0", "me"], ["root", password, "1.0", "me", "more"]):
            assert client.raw("session.login_with_password", *params).startswith("OpaqueRef:")
        equal(expect_failure("SESSION_AUTHENTICATION_FAILED", client.raw,
                             "session.login_with_password", "root", "wrong"),
              ["root", "Authentication failure"])
        equal(expect_failure("SESSION_AUTHENTICATION_FAILED", client.raw,
                             "session.login_with_password", "nobody", "x"),
              ["nobody", "User not known to the underlying authentication module"])
        equal(expect_failure("MESSAGE_PARAMETER_COUNT_MISMATCH", client.raw,
                             "session.login_with_password", "root"),
              ["session.login_with_password", "2", "1"])


def test_logout():
    with pool() as running:
        client = running.rpc()
        equal(client.call("session.logout"), "")
        equal(expect_failure("SESSION_INVALID", client.call, "VM.get_all"), [client.session])
        equal(expect_failure("SESSION_INVALID", client.call, "session.logout"), [client.session])


def test_session_record():
    with pool() as running:
        client = running.rpc()
        record = client.call("session.get_record", client.session)
        equal((record["auth_user_name"], record["originator"], record["is_local_superuser"]),
              ("root", "tests", True))
        equal(record["this_host"], client.call("pool.get_all_records").popitem()[1]["master"])


def test_idle_session_expires():
    with pool() as running:
        client = running.rpc()
        running.control.do("clock", advance=23 * 3600)
        client.call("host.get_all")
        running.control.do("clock", advance=23 * 3600)
        client.call("host.get_all")
        running.control.do("clock", advance=25 * 3600)
        expect_failure("SESSION_INVALID", client.call, "host.get_all")


def test_members_send_to_the_coordinator():
    with pool() as running:
        session = running.rpc().session
        member = running.rpc(address=running.addresses[1], login=False)
        coordinator = [running.ready["coordinator"]]
        equal(expect_failure("HOST_IS_SLAVE", member.raw, "session.login_with_password", "root",
                             running.password()), coordinator)
        equal(expect_failure("HOST_IS_SLAVE", member.raw, "host.get_all", session), coordinator)
        local = member.raw("session.slave_local_login_with_password", "root", running.password())
        equal(len(member.raw("host.get_all", local)), 3)
        expect_failure("SESSION_INVALID", running.rpc().raw, "host.get_all", local)


def test_roles():
    with pool() as running:
        reader = running.rpc(user="read-only")
        operator = running.rpc(user="pool-operator")
        pool_ref = reader.call("pool.get_all")[0]
        permission, text = expect_failure("RBAC_PERMISSION_DENIED", reader.call,
                                          "pool.set_name_label", pool_ref, "x")
        equal(permission, "pool.set_name_label")
        equal(text, "No permission in user session. (Roles with this permission: pool-admin, "
                    "pool-operator)")
        operator.call("pool.set_name_label", pool_ref, "x")
        equal(reader.call("pool.get_name_label", pool_ref), "x")
        # a session says what it may; that of the local superuser has no list (xapi_session.ml)
        for client, superuser, there, missing in ((reader, False, "vm.get_all", "vm.start"),
                                                  (operator, False, "sr.introduce", "subject.create")):
            equal(client.call("session.get_is_local_superuser", client.session), superuser)
            allowed = client.call("session.get_rbac_permissions", client.session)
            equal((there in allowed, missing in allowed), (True, False))
        root = running.rpc()
        equal(root.call("session.get_is_local_superuser", root.session), True)
        equal(root.call("session.get_rbac_permissions", root.session), [])


def test_parameters():
    """Counts leave the session out; types are checked before the session is."""
    with pool() as running:
        client = running.rpc()
        cases = [
            ("VM.start", [NULL], ["VM.start", "3", "1"]),
            ("VM.get_all", ["extra"], ["VM.get_all", "0", "1"]),
            ("Async.VM.start", [NULL], ["VM.start", "3", "1"]),
        ]
        for method, params, expected in cases:
            equal(expect_failure("MESSAGE_PARAMETER_COUNT_MISMATCH", client.call, method, *params),
                  expected)
        equal(expect_failure("MESSAGE_PARAMETER_COUNT_MISMATCH", client.raw, "VM.get_all"),
              ["VM.get_all", "0", "-1"])
        for method, value, text in (("VM.get_by_name_label", 5, "Expected string, got 'I(5)'"),
                                    ("VM.get_by_name_label", None, "Expected string, got 'N'"),
                                    ("VM.get_record", [], "Expected string, got '[]'")):
            equal(expect_failure("INTERNAL_ERROR", client.call, method, value),
                  [f'Failure("{text}")'])
        expect_failure("INTERNAL_ERROR", client.raw, "VM.get_by_name_label", "no session", 5)
        client.send("VM.get_all", {"session_id": "s"})
        equal(expect_failure("INTERNAL_ERROR", client.finish),
              ["Failure(\"Expected string, got '{session_id:S(s)}'\")"])
        client.send("VM.get_record", {"session_id": client.session, "self": NULL})
        expect_failure("INTERNAL_ERROR", client.finish)
        equal(expect_failure("INTERNAL_ERROR", client.raw, "VM.get_all", 5),
              ['Failure("Expected string, got \'I(5)\'")'])


def test_names():
    with pool() as running:
        client = running.rpc()
        for name in ("VM.nope", "Nothing.get_all", "system.isAlive", "vm.get_all", "VM", ""):
            equal(expect_failure("MESSAGE_METHOD_UNKNOWN", client.call, name), [name])
        equal(expect_failure("MESSAGE_METHOD_UNKNOWN", client.call, "Async.VM.nope", NULL),
              ["VM.nope"])
        expect_failure("Fault", client.call, "Async.VM.get_record", NULL)
        expect_failure("MESSAGE_REMOVED", client.call, "VDI.resize_online", NULL, 5)
        equal(expect_failure("NOT_IMPLEMENTED", client.call, "pool.enable_ha", [], {}),
              ["pool.enable_ha"])
        methods = client.raw("system.listMethods")
        assert len(methods) > 1800 and "VM.get_all_records_where" in methods


def test_missing_member():
    with pool() as running:
        client = running.rpc()
        record = {"name_label": "n", "MTU": 1500}
        equal(expect_failure("INTERNAL_ERROR", client.call, "network.create", record),
              ['Server_helpers.Dispatcher_FieldNotFound("other_config")'])


def test_getters():
    with pool() as running:
        client = running.rpc()
        refs = client.call("host.get_all")
        records = client.call("host.get_all_records")
        equal(sorted(refs), sorted(records))
        for ref, record in records.items():
            equal(client.call("host.get_record", ref), record)
            equal(client.call("host.get_uuid", ref), record["uuid"])
            equal(client.call("host.get_by_uuid", record["uuid"]), ref)
            assert ref in client.call("host.get_by_name_label", record["name_label"])
        equal(client.call("VM.get_by_name_label", "none"), [])
        equal(expect_failure("HANDLE_INVALID", client.call, "VM.get_record", NULL), ["VM", NULL])
        equal(expect_failure("UUID_INVALID", client.call, "VM.get_by_uuid", "x"), ["VM", "x"])


def test_setters():
    with pool() as running:
        client = running.rpc()
        ref = client.call("pool.get_all")[0]
        equal(client.call("pool.set_name_label", ref, "p <&> \u00e9"), "")
        equal(client.call("pool.get_name_label", ref), "p <&> \u00e9")
        client.call("pool.add_to_other_config", ref, "k", "v")
        equal(expect_failure("MAP_DUPLICATE_KEY", client.call, "pool.add_to_other_config", ref, "k",
                             "v"), ["pool", "other_config", ref, "k"])
        client.call("pool.remove_from_other_config", ref, "absent")
        client.call("pool.remove_from_other_config", ref, "k")
        assert "k" not in client.call("pool.get_other_config", ref)
        vm = client.call("VM.get_all")[0]
        for method, about in (("pool.add_to_other_config", ref), ("VM.add_to_other_config", vm)):
            equal(expect_failure("INTERNAL_ERROR", client.call, method, about, "", "v"),
                  ["Xapi_database.Db_exn.Empty_key_in_map"])
        client.call("pool.add_tags", ref, "t")
        client.call("pool.add_tags", ref, "t")
        equal(client.call("pool.get_tags", ref), ["t"])
        client.call("pool.remove_tags", ref, "t")
        equal(client.call("pool.get_tags", ref), [])
        expect_failure("MESSAGE_METHOD_UNKNOWN", client.call, "pool.set_uuid", ref, "x")


def test_filter():
    with pool() as running:
        client = running.rpc()
        found = client.call("VM.get_all_records_where", 'field "is_control_domain" = "true"')
        equal(len(found), 3)
        equal(client.call("VM.get_all_records_where", 'not field "domid"="0"'), {})
        equal(expect_failure("INTERNAL_ERROR", client.call, "VM.get_all_records_where",
                             'field "no_such_field" = "true"'),
              ["missing field", "no_such_field", ""])
        expect_failure("INVALID_VALUE", client.call, "VM.get_all_records_where", "field 'a'")


def test_numbers_in_both_forms():
    with pool() as running:
        client = running.rpc()
        task = client.call("task.create", "a", "b")
        client.call("task.set_progress", task, 0.5)
        equal(client.call("task.get_progress", task), 0.5)
        client.call("task.set_progress", task, 1)
        equal(client.call("task.get_progress", task), 1.0)


def test_task_of_the_client():
    with pool() as running:
        client = running.rpc()
        task = client.call("task.create", "label", "text")
        record = client.call("task.get_record", task)
        equal((record["status"], record["allowed_operations"], record["finished"],
               record["name_description"]), ("pending", [], "19700101T00:00:00Z", "text"))
        client.call("task.cancel", task)
        equal(list(client.call("task.get_current_operations", task).values()), ["cancel"])
        client.call("task.set_status", task, "success")
        equal(client.call("task.get_finished", task), "19700101T00:00:00Z")
        client.call("task.destroy", task)
        expect_failure("HANDLE_INVALID", client.call, "task.get_record", task)
        pending = client.call("task.create", "l", "")
        client.call("task.destroy", pending)
        equal(client.call("task.get_status", pending), "pending")


def test_old_tasks_go():
    with pool() as running:
        client = running.rpc()
        task = client.call("Async.host.call_plugin", client.call("host.get_all")[0], "simplugin",
                           "echo", {})
        client.wait_task(task)
        declared = client.call("task.create", "old", "")
        client.call("task.set_status", declared, "success")
        client.call("task.get_status", declared)
        running.control.do("clock", advance=60)
        expect_failure("HANDLE_INVALID", client.call, "task.get_status", declared)
        running.control.do("clock", advance=63 * 60)
        client.call("task.get_status", task)
        running.control.do("clock", advance=2 * 60)
        expect_failure("HANDLE_INVALID", client.call, "task.get_status", task)


def changes(batch):
    return [(event["operation"], event["class"]) for event in batch["events"]]


def test_first_batch():
    with pool() as running:
        client = running.rpc()
        batch = client.events(["*"])
        equal({event["operation"] for event in batch["events"]}, {"add"})
        counts = batch["valid_ref_counts"]
        equal((counts["host"], counts["session"], counts["host_cpu"]), (3, 1, 48))
        classes = [event["class"] for event in batch["events"]]
        assert "session" not in classes and "vm_metrics" in classes
        equal(sum(1 for name in classes if name == "host"), 3)
        host = next(event for event in batch["events"] if event["class"] == "host")
        equal(client.call("host.get_record", host["ref"]), host["snapshot"])


def test_order_and_coalescing():
    with pool() as running:
        client = running.rpc()
        pool_ref = client.call("pool.get_all")[0]
        gone = client.call("task.create", "gone", "")
        token = client.events(["*"])["token"]
        client.call("task.set_status", gone, "success")
        client.call("task.destroy", gone)
        client.call("pool.set_name_label", pool_ref, "one")
        client.call("pool.set_name_label", pool_ref, "two")
        client.call("task.create", "new", "")
        brief = client.call("task.create", "brief", "")
        client.call("task.set_status", brief, "success")
        client.call("task.destroy", brief)
        batch = client.events(["*"], token)
        equal(changes(batch), [("add", "task"), ("mod", "pool"), ("del", "task")])
        equal(batch["events"][1]["snapshot"]["name_label"], "two")
        assert "snapshot" not in batch["events"][2] and batch["events"][2]["ref"] == gone
        assert batch["token"] > token
        equal(client.events(["*"], batch["token"])["events"], [])


def test_no_event_without_a_change():
    with pool() as running:
        client = running.rpc()
        pool_ref = client.call("pool.get_all")[0]
        token = client.events(["pool"])["token"]
        client.call("pool.set_name_label", pool_ref, client.call("pool.get_name_label", pool_ref))
        equal(client.events(["pool"], token)["events"], [])


def test_subscriptions():
    with pool() as running:
        client = running.rpc()
        host = client.call("host.get_all")[0]
        equal(changes(client.events([f"host/{host}"])), [("add", "host")])
        equal(changes(client.events(["POOL"])), [("add", "pool")])
        equal(client.events(["nosuchclass"])["token"], "0" * 20 + "," + "0" * 20)
        equal(expect_failure("EVENT_FROM_TOKEN_PARSE_FAILURE", client.events, ["vm"], "garbage"),
              ["garbage"])


def test_poll_wakes():
    """The poll sleeps until the change, then waits the event delay, which is virtual time."""
    with pool("--event-delay", "1000000") as running:
        client, poller = running.rpc(), running.rpc()
        token = client.events(["pool"])["token"]
        running.control.do("fault", add={"id": "poll", "method": "event.from", "action": "hold"})
        poller.start("event.from", ["pool"], token, 3600.0)
        running.control.do("wait", id="poll")
        running.control.do("release", id="poll")
        client.call("pool.set_name_label", client.call("pool.get_all")[0], "new")
        running.control.do("clock", advance=1000)
        equal(changes(poller.finish()), [("mod", "pool")])


def test_poll_times_out():
    with pool() as running:
        client, poller = running.rpc(), running.rpc()
        token = client.events(["pool"])["token"]
        running.control.do("fault", add={"id": "poll", "method": "event.from", "action": "hold"})
        poller.start("event.from", ["pool"], token, 30.0)
        running.control.do("wait", id="poll")
        running.control.do("release", id="poll")
        running.control.do("clock", advance=31)
        batch = poller.finish()
        equal((batch["events"], batch["token"]), ([], token))


def test_logout_wakes_the_poll():
    with pool() as running:
        client = running.rpc()
        poller = Rpc(running, login=False)
        poller.session = client.session
        token = client.events(["pool"])["token"]
        running.control.do("fault", add={"id": "poll", "method": "event.from", "action": "hold"})
        poller.start("event.from", ["pool"], token, 3600.0)
        running.control.do("wait", id="poll")
        running.control.do("release", id="poll")
        client.call("session.logout")
        equal(expect_failure("SESSION_INVALID", poller.finish), [client.session])


def test_inject():
    with pool() as running:
        client = running.rpc()
        host = client.call("host.get_all")[0]
        token = client.events(["host"])["token"]
        injected = client.call("event.inject", "host", host)
        batch = client.events(["host"], token)
        equal(changes(batch), [("mod", "host")])
        assert batch["token"] >= injected
        equal(expect_failure("HANDLE_INVALID", client.call, "event.inject", "Host", host),
              ["Host", host])


def test_lost_deletions():
    with pool() as running:
        client = running.rpc()
        task = client.call("task.create", "t", "")
        token = client.events(["task"])["token"]
        client.call("task.set_status", task, "success")
        client.call("task.destroy", task)
        running.control.do("drop-deletions", n=1000)
        batch = client.events(["task"], token)
        equal((batch["events"], batch["valid_ref_counts"]["task"]), ([], 0))


def test_elder_events():
    with pool() as running:
        client = running.rpc()
        expect_failure("SESSION_NOT_REGISTERED", client.call, "event.next")
        client.call("event.register", ["pool"])
        client.call("pool.set_name_label", client.call("pool.get_all")[0], "n")
        events = client.call("event.next")
        equal([(event["id"], event["operation"], event["class"]) for event in events],
              [("0", "mod", "pool")])
        client.call("event.unregister", ["pool"])
        equal(client.call("event.get_current_id"), 1)


run_tests("/simulator/api", [
    test_login, test_logout, test_session_record, test_idle_session_expires,
    test_members_send_to_the_coordinator, test_roles, test_parameters, test_names,
    test_missing_member, test_getters, test_setters, test_filter, test_numbers_in_both_forms,
    test_task_of_the_client, test_old_tasks_go, test_first_batch, test_order_and_coalescing,
    test_no_event_without_a_change, test_subscriptions, test_poll_wakes, test_poll_times_out,
    test_logout_wakes_the_poll, test_inject, test_lost_deletions, test_elder_events,
])
